package dispatch

import (
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// deliveries are what becomes of the events of a unit: one delivery for each
// event and each installation that receives it. They are written with the
// unit, which is of the view's workspace and fails when the view is no longer
// current: nobody who came is left out, nobody who went is told.
//
// An installation that is disabled or outside the plan is given them, too. They
// are held when they are due, so that it misses nothing.
func (v *view) deliveries(events []core.Event) (list []core.Delivery) {
	for _, e := range events {
		for _, in := range v.installed {
			if !in.Receives(e) {
				continue
			}
			handler, _ := in.listener(e) // found again when it is due: by then the release may be back
			list = append(list, core.Delivery{
				ID: core.NewDeliveryID(), Workspace: v.Access.Workspace.ID, Install: in.ID, Event: e.ID, Handler: handler,
				State: core.DeliveryPending, Due: e.Time, Hop: e.Hop + 1, Created: e.Time,
			})
		}
	}
	return list
}

// listener finds the handler of an event.
func (in *installed) listener(e core.Event) (handler string, ok bool) {
	if in.manifest == nil {
		return "", false
	}
	return core.ListenerOf(in.manifest, e)
}

// eventOf is an event as a guest receives it.
func eventOf(e core.Event) *abi.Event {
	return &abi.Event{
		SpecVersion: "1.0", ID: string(e.ID), Type: e.Type, Source: e.Source, Time: e.Time,
		Data: e.Data, DataVersion: e.Version, Cause: e.Cause, Hop: e.Hop,
	}
}
