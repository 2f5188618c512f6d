package runtime

import (
	"context"

	"github.com/carrel-dev/carrel/core/abi"
)

// hostWith is a Host that is a function.
type hostWith func(ctx context.Context, op abi.Op, request []byte) ([]byte, error)

func (f hostWith) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	return f(ctx, op, request)
}

// hostFunc is a Host that does something at each operation and answers nothing.
func hostFunc(f func()) Host {
	return hostWith(func(context.Context, abi.Op, []byte) ([]byte, error) { f(); return nil, nil })
}
