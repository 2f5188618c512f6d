package core

import (
	"encoding/json"
	"time"
)

// Event is an immutable fact, CloudEvents 1.0 on the wire.
type Event struct {
	ID        EventID
	Workspace WorkspaceID
	Type      string // crm.contact.created
	Version   int    // of the type's schema
	Source    string // the emitter, "/crm"
	Data      json.RawMessage
	Cause     string // id of the invocation that emitted it
	Hop       int    // deliveries between it and the first cause
	Time      time.Time
}
