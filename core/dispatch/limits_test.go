package dispatch_test

import (
	"context"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// A call is held to the lowest of the host's limits, the plan's and the
// manifest's.
func TestLimitsOfACall(t *testing.T) {
	b := newBench(t)
	b.handle("query", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { return nil, nil })
	_, err := b.ask(b.dispatcher(), b.owner, "GET", "/run")
	must(t, err)
	if b.limits.Fuel != starter.Limits.Fuel || b.limits.Time != 10*time.Second || b.limits.Memory != 64<<20 {
		t.Errorf("%+v", b.limits)
	}
}
