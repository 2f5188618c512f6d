package dispatch_test

import (
	"context"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
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

// A plugin's author can ask for less than the host gives, and not for more.
func TestAManifestOnlyLowersLimits(t *testing.T) {
	asking := *manifest
	asking.Limits = abi.Limits{Fuel: 1 << 60, Memory: 1 << 40, TimeMS: 3_600_000}
	b := newBench(t)
	b.handle("query", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { return nil, nil })
	for _, limitless := range []bool{true, false} {
		d := b.dispatcher(func(c *dispatch.Config) { c.Views = asked{b, &asking, limitless} })
		_, err := b.ask(d, b.owner, "GET", "/run")
		must(t, err)
		want := starter.Limits.Fuel
		if limitless {
			want = 20_000_000_000
		}
		if b.limits.Fuel != want || b.limits.Time != 10*time.Second || b.limits.Memory != 64<<20 {
			t.Errorf("a plan without limits, %v: %+v", limitless, b.limits)
		}
	}
}

// asked are views with another manifest, of a plan that may set no limits.
type asked struct {
	b         *bench
	manifest  *abi.Manifest
	limitless bool
}

// View implements dispatch.Views.
func (a asked) View(ctx context.Context, ws core.WorkspaceID) (dispatch.View, error) {
	view, err := views{a.b.db}.View(ctx, ws)
	view.Manifests = map[core.Digest]*abi.Manifest{"sha256:crm": a.manifest}
	if a.limitless {
		view.Plan.Limits = abi.Limits{}
	}
	return view, err
}

// TestACrowdBehindOneKeyIsRefused: requests with one Idempotency-Key wait for each
// other, and are a crowd like any: who is one too many is refused at once.
func TestACrowdBehindOneKeyIsRefused(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher(func(c *dispatch.Config) { c.PerWorkspace = 1 })
	started, goOn := make(chan struct{}, 1), make(chan struct{})
	b.handle("query", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) {
		select {
		case started <- struct{}{}:
		default:
		}
		<-goOn
		return "{}", nil
	})
	const crowd = 100
	answers := make(chan error, crowd)
	ask := func() {
		_, err := d.Request(t.Context(), dispatch.Request{Workspace: b.ws, Alias: "crm", Actor: b.owner, IdempotencyKey: "k",
			HTTP: abi.Request{Method: "GET", Path: "/run"}})
		answers <- err
	}
	go ask()
	<-started
	for range crowd - 1 {
		go ask()
	}
	refused := 0
	for refused < crowd-17 { // one is answered, and 16 times as many as may run at a time wait
		if err := <-answers; core.KindOf(err) != core.RateLimited {
			t.Fatalf("after %d refusals: %v", refused, err)
		}
		refused++
	}
	close(goOn)
}
