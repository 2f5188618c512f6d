package core

import (
	"context"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

// A subscription is a pattern of events in the grant `events` of an installation:
// what it receives is what the workspace consented to, no more, whatever its
// manifest says. It begins and ends with the installation.

// DomainOf is the first word of an event's type: the plugin it belongs to, or a
// neutral domain.
func DomainOf(eventType string) string {
	domain, _, _ := strings.Cut(eventType, ".")
	return domain
}

// Requests is what a manifest asks a workspace to consent to: its capabilities,
// with the events it would receive and the neutral domains it would hold.
func Requests(m *abi.Manifest) []abi.CapabilityRequest {
	requests := slices.Clone(m.Capabilities)
	i := slices.IndexFunc(requests, func(r abi.CapabilityRequest) bool { return r.Name == abi.CapabilityEvents })
	if i < 0 {
		return requests
	}
	requests[i].Events, requests[i].Domains = nil, nil
	for _, l := range m.Listens {
		requests[i].Events = append(requests[i].Events, l.Type)
	}
	for _, e := range m.Emits {
		if domain := DomainOf(e.Type); slices.Contains(NeutralDomains, domain) && !slices.Contains(requests[i].Domains, domain) {
			requests[i].Domains = append(requests[i].Domains, domain)
		}
	}
	return requests
}

// Receives reports whether an event is delivered to the installation.
func (i *Installation) Receives(e Event) bool {
	return slices.ContainsFunc(i.Grants, func(g Grant) bool {
		return g.Capability == abi.CapabilityEvents &&
			slices.ContainsFunc(g.Events, func(pattern string) bool { return covers(pattern, i.Plugin.Name, e) })
	})
}

// Deliveries are what becomes of events: one delivery for each of them and each
// installation of the workspace that receives it. They are written in the unit, or
// the change, that writes the events.
//
// An installation that is disabled or outside the plan is given them, too. They
// are held when they are due, so that it misses nothing. Which handler is called is
// found when they are due, in the release that is there then.
func Deliveries(ws WorkspaceID, there []Installation, events []Event) (list []Delivery) {
	for _, e := range events {
		for i := range there {
			if there[i].Receives(e) {
				list = append(list, Delivery{
					ID: NewDeliveryID(), Workspace: ws, Install: there[i].ID, Event: e.ID, Handler: e.Type,
					State: DeliveryPending, Due: e.Time, Hop: e.Hop + 1, Created: e.Time,
				})
			}
		}
	}
	return list
}

// WithDeliveries adds to the changes of a workspace the deliveries of the events
// among them. They are of the context's trace.
func WithDeliveries(ctx context.Context, a Access, changes []Change) []Change {
	for _, d := range Deliveries(a.Workspace.ID, a.Installations, EventsOf(changes)) {
		d.Trace = TraceOf(ctx)
		changes = append(changes, PutDelivery{Delivery: d})
	}
	return changes
}

// Resumes reports whether changes may have made held deliveries due.
func Resumes(changes []Change) bool {
	return slices.ContainsFunc(changes, func(change Change) bool {
		switch change.(type) {
		case PutInstallation, PutContract:
			return true
		default:
			return false
		}
	})
}

// EventsOf returns the events among changes.
func EventsOf(changes []Change) (events []Event) {
	for _, change := range changes {
		if emitted, ok := change.(AppendEvent); ok {
			events = append(events, emitted.Event)
		}
	}
	return events
}

// Emits reports whether events of a type are the installation's to emit: those
// of its plugin's name, and of the neutral domains it holds.
func (i *Installation) Emits(eventType string) bool {
	domain := DomainOf(eventType)
	return domain == i.Plugin.Name || slices.Contains(i.domains(), domain)
}

func (i *Installation) domains() (held []string) {
	for _, g := range i.Grants {
		if g.Capability == abi.CapabilityEvents {
			held = append(held, g.Domains...)
		}
	}
	return held
}

// CheckDomains fails with Exists when one of the installations of a workspace
// holds a neutral domain that another would hold. Two could tell contradictory
// stories of one order.
func CheckDomains(there []Installation, in Installation) error {
	for _, other := range there {
		if other.ID == in.ID {
			continue
		}
		for _, domain := range in.domains() {
			if slices.Contains(other.domains(), domain) {
				return E("core.CheckDomains", Exists,
					"The events %s.* of this workspace are emitted by %s, installed as %s, and only one plugin may. Uninstall it first to change over.",
					domain, other.Plugin, other.Alias)
			}
		}
	}
	return nil
}
