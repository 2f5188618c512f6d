package hostfuncs

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

const (
	maxEventData = 64 << 10 // bytes
	maxHop       = 8        // a chain of events that long is a loop
)

var eventOperations = []Operation{
	{abi.OpEventsEmit, "events.emit", abi.CapabilityEvents, mutations, "Add an event to the unit of work.", with(eventsEmit)},
}

func eventsEmit(_ context.Context, h *Host, r abi.EmitRequest) (abi.IDResponse, error) {
	const op = "events.emit"
	var none abi.IDResponse
	plugin := h.b.Manifest.Name
	if !h.b.Installation.Emits(r.Type) {
		return none, core.E(op, core.Denied,
			"%s may only emit events whose type begins with %q, or with a neutral domain that "+
				"its manifest declares an event of and the workspace let it hold.", plugin, plugin+".")
	}
	declared := slices.IndexFunc(h.b.Manifest.Emits,
		func(e abi.EventType) bool { return e.Type == r.Type && e.Version == r.Version })
	if declared < 0 {
		return none, core.E(op, core.Invalid, `The manifest does not declare version %d of the event %q. Add it: emits: [{"type": %q, "version": %d}].`,
			r.Version, r.Type, r.Type, r.Version)
	}
	if len(r.Data) > maxEventData {
		return none, core.E(op, core.TooLarge,
			"An event holds at most %d bytes, and this one has %d. Send the id of what happened, not all of it.",
			maxEventData, len(r.Data))
	}
	if !isObject(r.Data) {
		return none, place(op, "data", "must be a JSON object")
	}
	if h.b.Hop >= maxHop {
		return none, core.E(op, core.Denied,
			"%s would be the %dth in a chain of events that cause each other, which "+
				"is a loop. A listener that emits must have an end.", r.Type, maxHop+1)
	}
	if schema := h.b.Manifest.Emits[declared].Schema; len(schema) > 0 {
		if h.b.Schemas == nil {
			return none, core.E(op, core.Denied, "The data of %s can't be checked here.", r.Type)
		}
		if err := h.b.Schemas.CheckEvent(schema, r.Data); err != nil {
			return none, err
		}
	}
	event := core.Event{
		ID: core.NewEventID(), Workspace: h.b.Workspace.ID,
		Type: r.Type, Version: r.Version, Source: "/" + plugin, Data: r.Data,
		Cause: string(h.b.Invocation), Hop: h.b.Hop, Time: h.b.Now,
	}
	h.b.Unit.Add(core.AppendEvent{Event: event})
	return abi.IDResponse{ID: string(event.ID)}, nil
}

// isObject reports whether raw, which is valid JSON or empty, is an object.
func isObject(raw json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{"))
}

// place is an Invalid error about one member of a request.
func place(op, location, message string) error {
	return core.Violations{{Location: location, Message: message}}.Err(op, location+" "+message+".")
}
