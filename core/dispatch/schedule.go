package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// A schedule is a chain of deliveries: each occurrence is put by the unit that
// ends the one before it, the first by the one that installs the plugin. So it
// cannot be forgotten by a server that stops, and what was missed while there
// was none is done once.

// ending is how a delivery ends, and what comes after it.
func (d *Dispatcher) ending(v *view, dl core.Delivery, how core.Change) ([]core.Change, error) {
	if dl.Schedule == "" {
		return []core.Change{how}, nil
	}
	in := v.byID[dl.Install]
	if in == nil {
		return []core.Change{how}, nil
	}
	if in.manifest == nil {
		// Nobody knows when it is due next: it must not end now.
		return nil, core.E("dispatch.Deliver", core.Unavailable,
			"The release %s of %s is missing from this server. Its operator must publish it again.", in.Version, in.Plugin)
	}
	schedule, ok := in.schedule(dl.Schedule)
	if !ok {
		return []core.Change{how}, nil // this release has no such schedule
	}
	// A clock that was put back doesn't bring an occurrence back.
	after := d.now()
	if after.Before(dl.Occurrence) {
		after = dl.Occurrence
	}
	next, err := occurrence(v.Access.Workspace, dl.Install, schedule, after, d.now())
	return []core.Change{how, next}, err
}

// BeginSchedule puts the first occurrence of a schedule of an installation. It is
// for chains that nothing holds: where the plugin was installed before this server
// kept schedules, no unit has put one. Call it while no delivery is run, as nothing
// here tells a chain that is there.
func (d *Dispatcher) BeginSchedule(ctx context.Context, ws core.WorkspaceID, install core.InstallationID, name string) error {
	return d.change(ctx, ws, func(v *view) ([]core.Change, error) {
		in := v.byID[install]
		if in == nil || in.manifest == nil {
			return nil, nil
		}
		schedule, ok := in.schedule(name)
		if !ok {
			return nil, nil
		}
		first, err := occurrence(v.Access.Workspace, install, schedule, d.now(), d.now())
		return []core.Change{first}, err
	})
}

func (in *installed) schedule(name string) (abi.Schedule, bool) {
	i := slices.IndexFunc(in.manifest.Schedules, func(s abi.Schedule) bool { return s.Name == name })
	if i < 0 {
		return abi.Schedule{}, false
	}
	return in.manifest.Schedules[i], true
}

// begin puts the first occurrence of each schedule of an installation.
func (d *Dispatcher) begin(w core.Workspace, in core.InstallationID, m *abi.Manifest) (changes []core.Change, err error) {
	now := d.now()
	for _, s := range m.Schedules {
		first, err := occurrence(w, in, s, now, now)
		if err != nil {
			return nil, err
		}
		changes = append(changes, first)
	}
	return changes, nil
}

func occurrence(w core.Workspace, in core.InstallationID, s abi.Schedule, after, now time.Time) (core.PutDelivery, error) {
	due, err := core.NextOccurrence(s.Cron, w.TimeZone, after)
	return core.PutDelivery{Delivery: core.Delivery{
		ID: core.NewDeliveryID(), Workspace: w.ID, Install: in, Handler: s.Handler, State: core.DeliveryPending,
		Due: due, Created: now, Schedule: s.Name, Occurrence: due,
		// Not that of the occurrence before: a chain has no end, and a trace must have one.
		Trace: core.Trace{Request: core.NewRequestID()},
	}}, err
}
