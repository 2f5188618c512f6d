package dispatch_test

import (
	"context"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// TestAttack10_ARevokedListenerHearsNoMore: consent is taken back while a
// listener is being told of an event, and others wait for it. What it did has no
// effect, and it is told of none of the others; only one that is merely off is,
// once it is on again.
func TestAttack10_ARevokedListenerHearsNoMore(t *testing.T) {
	for name, c := range map[string]struct {
		revoke func(in core.Installation) core.Change
		kind   core.Kind          // what its delivery ends with
		state  core.DeliveryState // of it afterwards; "": it is gone
	}{
		"uninstalled": {func(in core.Installation) core.Change {
			return core.RemoveInstallation{ID: in.ID, Plugin: in.Plugin}
		}, core.NotFound, ""},
		"consent taken back": {func(in core.Installation) core.Change {
			in.Grants, in.Revision = []core.Grant{{Capability: abi.CapabilityData}}, 2
			return core.PutInstallation{Installation: in}
		}, core.Invalid, core.DeliveryRunning},
		"disabled": {func(in core.Installation) core.Change {
			in.State, in.Revision = core.InstallationDisabled, 2
			return core.PutInstallation{Installation: in}
		}, "", core.DeliveryHeld},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			d := b.dispatcher()
			in := b.installShop(b.ws)
			b.handle("mutation", emit("crm.counted", 2, nil))
			_, err := b.ask(d, b.owner, "POST", "/run")
			must(t, err)
			deliveries := b.due()
			told := 0
			b.handle("heard", func(ctx context.Context, i abi.Invocation, host *hostfuncs.Host) (any, error) {
				answer, err := insertNew(ctx, i, host)
				if told++; told == 1 {
					must(t, b.db.Change(ctx, b.ws.ID, func(core.Access) ([]core.Change, error) { return []core.Change{c.revoke(in)}, nil }))
				}
				return answer, err
			})
			for _, dl := range deliveries {
				if err := d.Deliver(t.Context(), dl); core.KindOf(err) != c.kind {
					t.Errorf("%v, want %q", err, c.kind)
				}
				after, err := b.db.History().Delivery(t.Context(), dl.Workspace, dl.ID)
				if c.state == "" && core.KindOf(err) != core.NotFound || c.state != "" && after.State != c.state {
					t.Errorf("the delivery is %s, %v; want %q", after.State, err, c.state)
				}
			}
			if told != 1 || b.footprint(in.Plugin).Documents != 0 {
				t.Errorf("it was told %d times, with %d effects", told, b.footprint(in.Plugin).Documents)
			}
		})
	}
}
