package abi

import "encoding/json"

// Error is how the host reports a failed operation and how a guest reports a
// failed handler. Kind is a core.Kind.
type Error struct {
	Kind       string      `json:"kind"`
	Message    string      `json:"message"`
	Violations []Violation `json:"violations,omitempty"`
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Violation names one place of a request that is wrong. Location is a dotted
// path from the request's root: `body.email`, `query.limit`, `body.stages[2].name`.
type Violation struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// A document travels as one flat JSON object: the host's own members first
// (id, version, createdAt, updatedAt), then the declared fields. Plugins cannot
// declare fields of those four names.

// InsertRequest asks for a new document. The host chooses the id.
type InsertRequest struct {
	Table string          `json:"table"`
	Body  json.RawMessage `json:"body"`
}

// GetRequest asks for one document of a table.
type GetRequest struct {
	Table string `json:"table"`
	ID    string `json:"id"`
}

// WriteRequest changes one document. Patch merges the top-level fields of Body
// into the document (null removes a field); replace puts Body in its place.
// IfVersion, when not 0, must be the document's version.
type WriteRequest struct {
	Table     string          `json:"table"`
	ID        string          `json:"id"`
	Body      json.RawMessage `json:"body"`
	IfVersion int64           `json:"ifVersion,omitempty"`
}

// DeleteRequest removes one document, and what its references say goes with it.
type DeleteRequest struct {
	Table     string `json:"table"`
	ID        string `json:"id"`
	IfVersion int64  `json:"ifVersion,omitempty"`
}

// Filter is one condition; a query's filters must all hold.
type Filter struct {
	Field string          `json:"field"`
	Op    string          `json:"op"` // eq lt lte gt gte prefix
	Value json.RawMessage `json:"value"`
}

// QueryRequest reads a page of a table. Sort lists fields, a leading "-" means
// descending; all must point the same way and, with the filters, be served by
// one declared index. Limit is 1 to 200, 50 when 0.
type QueryRequest struct {
	Table  string   `json:"table"`
	Filter []Filter `json:"filter,omitempty"`
	Sort   []string `json:"sort,omitempty"`
	Limit  int      `json:"limit,omitempty"`
	Cursor string   `json:"cursor,omitempty"`
}

// Page is a page of documents. NextCursor is empty on the last page. A page can
// hold fewer documents than asked for and still have a next one: a scan is cut
// after a fixed number of entries.
type Page struct {
	Data       []json.RawMessage `json:"data"`
	NextCursor string            `json:"nextCursor,omitempty"`
}

// CountRequest counts the documents a query would find.
type CountRequest struct {
	Table  string   `json:"table"`
	Filter []Filter `json:"filter,omitempty"`
}

// CountResponse is exact unless Capped: then there are at least Count.
type CountResponse struct {
	Count  int  `json:"count"`
	Capped bool `json:"capped,omitempty"`
}

// EmitRequest adds an event to the unit of work.
type EmitRequest struct {
	Type    string          `json:"type"`
	Version int             `json:"version"`
	Data    json.RawMessage `json:"data"`
}

// ScheduleRequest adds a job to the unit of work: Handler, a job of the
// manifest, will be called with Payload. DelayMS 0 means as soon as the unit is
// committed.
type ScheduleRequest struct {
	Handler string          `json:"handler"`
	Payload json.RawMessage `json:"payload"`
	DelayMS int64           `json:"delayMs,omitempty"`
}

// IDRequest names a thing by its id.
type IDRequest struct {
	ID string `json:"id"`
}

// IDResponse answers the id of what was made.
type IDResponse struct {
	ID string `json:"id"`
}

// EntitledRequest asks whether the workspace's plan allows Meter to grow by
// Quantity over what it stands at now.
type EntitledRequest struct {
	Meter    string `json:"meter"`
	Quantity int64  `json:"quantity"`
}

// EntitledResponse answers it. Limit is -1 when the plan sets none.
type EntitledResponse struct {
	Entitled bool  `json:"entitled"`
	Used     int64 `json:"used"`
	Limit    int64 `json:"limit"`
}

// RecordRequest adds Quantity (which may be negative) to the workspace's Meter,
// in the unit of work. A meter of the plan cannot pass its quota: the operation
// fails with quota_exceeded.
type RecordRequest struct {
	Meter    string `json:"meter"`
	Quantity int64  `json:"quantity"`
}

// PlanResponse describes the workspace's plan.
type PlanResponse struct {
	ID     string           `json:"id"`
	Title  string           `json:"title"`
	Quotas map[string]int64 `json:"quotas"`
}

// AccessGrantRequest maps scopes of the calling plugin to a role.
type AccessGrantRequest struct {
	Role   string   `json:"role"`
	Scopes []string `json:"scopes"`
}

// AccessCheckRequest asks whether the invocation's actor has a scope.
type AccessCheckRequest struct {
	Scope string `json:"scope"`
}

// AccessCheckResponse answers it.
type AccessCheckResponse struct {
	Allowed bool `json:"allowed"`
}

// LogRequest writes a line to the invocation's log. Level is debug, info, warn
// or error.
type LogRequest struct {
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// FetchRequest is an outbound HTTP request to a host the workspace granted.
type FetchRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    []byte            `json:"body,omitempty"`
}

// FetchResponse is the answer to it.
type FetchResponse struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    []byte            `json:"body,omitempty"`
}

// MutateRequest runs a mutation job of the same plugin as a unit of its own.
type MutateRequest struct {
	Handler string          `json:"handler"`
	Payload json.RawMessage `json:"payload"`
}
