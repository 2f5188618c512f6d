package abi

import (
	"encoding/json"
	"time"
)

// Kind is what a handler may do.
type Kind string

const (
	KindQuery    Kind = "query"    // reads a snapshot
	KindMutation Kind = "mutation" // changes data atomically, is run again on conflict
	KindAction   Kind = "action"   // talks to the outside, is never run again silently
)

// Trigger is why a handler is called.
type Trigger string

const (
	TriggerRequest   Trigger = "request"
	TriggerEvent     Trigger = "event"
	TriggerSchedule  Trigger = "schedule" // a job or a cron schedule
	TriggerLifecycle Trigger = "lifecycle"
)

// Invocation is the input of carrel_call: one call of a handler.
type Invocation struct {
	ID             string          `json:"id"`
	Kind           Kind            `json:"kind"`
	Handler        string          `json:"handler"`
	Trigger        Trigger         `json:"trigger"`
	Attempt        int             `json:"attempt"` // 1 on the first try
	Now            time.Time       `json:"now"`     // the only clock a handler needs
	Seed           uint64          `json:"seed"`    // for math/rand; not for secrets
	Actor          Actor           `json:"actor"`
	PublicURL      string          `json:"publicUrl"` // of the installation's gateway: https://host/w/acme/email, without a slash at its end
	IdempotencyKey string          `json:"idempotencyKey,omitempty"`
	Request        *Request        `json:"request,omitempty"` // trigger request
	Event          *Event          `json:"event,omitempty"`   // trigger event
	Payload        json.RawMessage `json:"payload,omitempty"` // the other triggers
}

// Event is an immutable fact, a CloudEvent 1.0, as a listener receives it. The
// invocation's idempotency key is another for each of its listeners.
type Event struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	Source      string          `json:"source"` // "/" and the emitter's plugin
	Time        time.Time       `json:"time"`
	Data        json.RawMessage `json:"data"`
	DataVersion int             `json:"dataversion"` // of the type's schema
	Cause       string          `json:"carrelcause"` // the invocation that emitted it
	Hop         int             `json:"carrelhop"`   // deliveries between it and the first cause
}

// Actor is on whose behalf a handler runs.
type Actor struct {
	Type string `json:"type"`           // member, token, installation, anonymous
	ID   string `json:"id,omitempty"`   // the account's or the installation's id
	Role string `json:"role,omitempty"` // owner, admin, member
}

// Request is the HTTP request behind an invocation. Exactly one of Body (a JSON
// value) and Raw is set, by the route's declaration; neither when the request
// had no body.
type Request struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`             // below /w/{workspace}/{plugin}
	Params  map[string]string `json:"params,omitempty"` // of the route's pattern
	Query   map[string]string `json:"query,omitempty"`
	Headers map[string]string `json:"headers,omitempty"` // lower-case names, credentials removed
	Body    json.RawMessage   `json:"body,omitempty"`
	Raw     []byte            `json:"raw,omitempty"`
}

// Response is the output of carrel_call. A handler that failed sets Error and
// nothing else. For a request, Status 0 means 200, or 204 without a body.
type Response struct {
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
	Raw     []byte            `json:"raw,omitempty"`
	Error   *Error            `json:"error,omitempty"`
}
