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

// clockwork is a plugin with schedules.
var clockwork = &abi.Manifest{
	Name: "shop", Publisher: "acme", Version: "2.0.0", Tables: manifest.Tables,
	Jobs:      []abi.Job{{Name: "wind", Kind: abi.KindMutation}, {Name: "chime", Kind: abi.KindAction}},
	Schedules: []abi.Schedule{{Name: "daily", Cron: "0 9 * * *", Handler: "wind"}},
}

// clock is a dispatcher whose time the test sets, with clockwork installed.
type clock struct {
	*bench
	*dispatch.Dispatcher
	now time.Time
	in  core.Installation
}

func newClock(t *testing.T) *clock {
	releases["sha256:clock"] = clockwork
	c := &clock{bench: newBench(t), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	c.Dispatcher = c.dispatcher(func(cfg *dispatch.Config) { cfg.Now = func() time.Time { return c.now } })
	c.ws.TimeZone = "Europe/Berlin"
	must(t, c.db.Change(t.Context(), c.ws.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.PutWorkspace{Workspace: c.ws}}, nil
	}))
	c.in = core.Installation{
		ID: core.NewInstallationID(), Workspace: c.ws.ID, Plugin: core.PluginID{Publisher: "acme", Name: "shop"}, Alias: "shop",
		Version: "2.0.0", Digest: "sha256:clock", State: core.InstallationEnabled, Revision: 1, Created: noon, Updated: noon,
		Grants: []core.Grant{{Capability: abi.CapabilityData}, {Capability: abi.CapabilityJobs}},
	}
	must(t, c.Lifecycle(t.Context(), dispatch.Lifecycle{
		Workspace: c.ws, Installation: c.in, Manifest: clockwork, Actor: c.owner, NeedsPlan: true,
		Changes: []core.Change{core.PutInstallation{Installation: c.in}},
	}))
	return c
}

// next is when something is due next.
func (c *clock) next() string {
	c.Helper()
	due, any, err := c.db.NextDelivery(c.Context(), time.Time{}, nil)
	must(c.T, err)
	if !any {
		return "never"
	}
	return due.Format("01-02 15:04")
}

// at sets the clock and claims the one delivery that is due.
func (c *clock) at(now time.Time) core.Delivery {
	c.Helper()
	c.now = now
	claimed, err := c.db.ClaimDeliveries(c.Context(), now, now.Add(time.Minute), "", nil, 1, 10)
	must(c.T, err)
	if len(claimed) != 1 {
		c.Fatalf("due at %s: %+v", now, claimed)
	}
	return claimed[0]
}

func (c *clock) wants(next string, effects int64) {
	c.Helper()
	if got := c.next(); got != next {
		c.Errorf("next is %s, want %s", got, next)
	}
	if n := c.footprint(c.in.Plugin).Documents; n != effects {
		c.Errorf("%d effects, want %d", n, effects)
	}
}

func day(n, hour int) time.Time { return time.Date(2026, 3, n, hour, 0, 0, 0, time.UTC) }

// A schedule runs in the workspace's time zone; each occurrence and what it
// does is one unit with the next; what was missed is done once.
func TestASchedule(t *testing.T) {
	c := newClock(t)
	c.handle("wind", func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		if in.Trigger != abi.TriggerSchedule || in.Payload != nil || in.Event != nil {
			t.Errorf("invocation: %+v", in)
		}
		return insertNew(ctx, in, host)
	})
	c.wants("03-02 08:00", 0)
	first := c.at(day(2, 8))
	if first.Schedule != "daily" || first.Handler != "wind" || !first.Occurrence.Equal(day(2, 8)) {
		t.Fatalf("%+v", first)
	}
	must(t, c.Deliver(t.Context(), first))
	c.wants("03-03 08:00", 1)

	must(t, c.Deliver(t.Context(), c.at(day(20, 10)))) // down since
	c.wants("03-21 08:00", 2)

	must(t, c.Deliver(t.Context(), c.at(day(29, 9)))) // summer time
	c.wants("03-30 07:00", 3)

	// While the plugin is off it waits; then it is done once.
	off := c.at(day(30, 7))
	c.shopState(core.InstallationDisabled)
	must(t, c.Deliver(t.Context(), off))
	c.wants("never", 3)
	c.shopState(core.InstallationEnabled)
	must(t, c.Deliver(t.Context(), c.at(time.Now().Add(time.Hour))))
	if n := c.footprint(c.in.Plugin).Documents; n != 4 || c.next() == "never" {
		t.Errorf("after it was off: %d effects, next %s", n, c.next())
	}

	must(t, c.db.Change(t.Context(), c.ws.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.RemoveInstallation{ID: c.in.ID, Plugin: c.in.Plugin}}, nil
	}))
	c.wants("never", 4)
}

// An occurrence that keeps failing is set aside, and the next one comes all the
// same. One that is redriven doesn't make two of it, nor does a clock that was
// put back lose one.
func TestAScheduleOutlivesItsFailures(t *testing.T) {
	c := newClock(t)
	c.handle("wind", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) {
		return nil, core.E("", core.Unavailable, "It is stuck.")
	})
	failing := c.at(day(2, 8))
	wantError(t, c.Deliver(t.Context(), failing), core.Unavailable, "stuck")
	c.wants("03-02 08:01", 0) // its lease
	must(t, c.SetAside(t.Context(), failing, "It is stuck."))
	if c.state(failing) != core.DeliverySetAside || c.woken.Load() == 0 {
		t.Fatalf("it is %s", c.state(failing))
	}
	c.wants("03-03 08:00", 0)
	wantError(t, c.SetAside(t.Context(), failing, "Again."), core.Stale)

	c.handle("wind", insertNew)
	_, err := c.db.History().Redrive(t.Context(), c.ws.ID, failing.ID, core.AuditEntry{Time: day(2, 9)})
	must(t, err)
	must(t, c.Deliver(t.Context(), c.at(day(2, 9))))
	c.wants("03-03 08:00", 1)
	second := c.at(day(3, 8))
	c.now = day(2, 20) // put back
	must(t, c.Deliver(t.Context(), second))
	c.wants("03-04 08:00", 2)
	must(t, c.Deliver(t.Context(), c.at(day(4, 8))))
	c.wants("03-05 08:00", 3)
}

// TestFault02_AScheduleSurvivesItsServer: an occurrence whose attempts ended
// every process that made them is set aside by the next one, which puts the
// occurrence after it.
func TestFault02_AScheduleSurvivesItsServer(t *testing.T) {
	c := newClock(t)
	for n := 1; n <= 8; n++ {
		c.at(day(2, 8).Add(time.Duration(n) * time.Second))
		must(t, c.db.RecoverDeliveries(t.Context(), c.now, 8))
	}
	ninth := c.at(day(2, 9))
	if ninth.Attempt != 9 {
		t.Fatalf("%+v", ninth)
	}
	must(t, c.SetAside(t.Context(), ninth, "Its last attempt did not end."))
	c.wants("03-03 08:00", 0)
}

// An installation that is older than schedules gets the chain it would have had.
func TestAScheduleIsBegunLater(t *testing.T) {
	c := newClock(t)
	must(t, c.db.Change(t.Context(), c.ws.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{
			core.RemoveInstallation{ID: c.in.ID, Plugin: c.in.Plugin},
			core.PutInstallation{Installation: c.in}, // as a server that knew no schedules did it
		}, nil
	}))
	c.wants("never", 0)
	must(t, c.BeginSchedule(t.Context(), c.ws.ID, c.in.ID, "daily"))
	must(t, c.BeginSchedule(t.Context(), c.ws.ID, c.in.ID, "weekly"))                 // its release has none
	must(t, c.BeginSchedule(t.Context(), c.ws.ID, core.NewInstallationID(), "daily")) // gone since
	c.handle("wind", insertNew)
	must(t, c.Deliver(t.Context(), c.at(day(2, 8))))
	c.wants("03-03 08:00", 1)
}

// An action's occurrence is completed after it, together with the next.
func TestAnActionsSchedule(t *testing.T) {
	before := clockwork.Schedules
	defer func() { clockwork.Schedules = before }()
	clockwork.Schedules = []abi.Schedule{{Name: "hourly", Cron: "0 * * * *", Handler: "chime"}}
	c := newClock(t)
	rung := 0
	c.handle("chime", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { rung++; return "{}", nil })
	c.wants("03-01 13:00", 0)
	must(t, c.Deliver(t.Context(), c.at(day(1, 15))))
	c.wants("03-01 16:00", 0)
	if rung != 1 {
		t.Errorf("it rang %d times", rung)
	}
}
