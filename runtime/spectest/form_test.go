package spectest

import (
	"context"
	"errors"

	"github.com/tetratelabs/wazero/api"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// form is what is done to a module before it runs.
type form string

const (
	original form = "original" // nothing
	woven    form = "woven"    // checked and woven
	detached form = "detached" // and its data and start function are the host's to write and call
)

// prepare returns the module in this form, and what is to be done with a new
// instance of it.
func (f form) prepare(module []byte) ([]byte, func(context.Context, api.Module) error, error) {
	nothing := func(context.Context, api.Module) error { return nil }
	if f == original {
		return module, nothing, nil
	}
	checked, err := wasm.Check(module, wasm.Unbounded)
	if err != nil {
		return nil, nil, err
	}
	module = checked.Weave(wasm.Weaving{Stack: stackBudget})
	if f == woven {
		return module, nothing, nil
	}
	d, err := wasm.Detach(module)
	if err != nil || d.Plain != "" {
		return module, nothing, err
	}
	return d.Module, func(ctx context.Context, instance api.Module) error { return attach(ctx, instance, d) }, nil
}

// attach does what instantiating a module does that was detached.
func attach(ctx context.Context, instance api.Module, d wasm.Detached) error {
	for _, segment := range d.Data {
		if !instance.Memory().Write(segment.Offset, segment.Bytes) {
			return errors.New("out of bounds memory access")
		}
	}
	if !d.Start {
		return nil
	}
	_, err := instance.ExportedFunction(wasm.StartName).Call(ctx)
	return err
}
