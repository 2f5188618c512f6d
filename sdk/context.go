package sdk

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// Ctx is one call of a handler: what it was asked, and the door to the host.
// It is valid until the handler returns.
type Ctx struct {
	invocation abi.Invocation // but for what is still encoded
	now        string         // its time, encoded; "" once it was read
	actor      string         // the same of its actor
	seed       string
	sent       string        // the request's headers, still encoded
	in         reflect.Value // of the handler's In, the body read into it; invalid if it was not
	status     int
	headers    map[string]string
	bytes      *Bytes // the answer, if it is not JSON
	random     *rand.Rand
}

// InvocationID is the id of this call, the one of its log and its trace.
func (c *Ctx) InvocationID() string { return c.invocation.ID }

// Actor is on whose behalf the handler runs.
func (c *Ctx) Actor() abi.Actor {
	if c.actor != "" {
		s := scanner{text: c.actor}
		c.invocation.Actor, c.actor = s.actor(), ""
	}
	return c.invocation.Actor
}

// URL is the absolute address of a path of this plugin, "/confirm/abc", for
// links that leave the workspace: in mails, and to other servers.
func (c *Ctx) URL(path string) string { return c.invocation.PublicURL + path }

// Now is when the call began. It stays the same when the call is run again.
func (c *Ctx) Now() time.Time {
	if c.now != "" {
		s := scanner{text: c.now}
		c.invocation.Now, c.now = s.time(), ""
	}
	return c.invocation.Now
}

// Attempt is 1 on the first try of this call.
func (c *Ctx) Attempt() int { return c.invocation.Attempt }

// Event is the event a listener is called for; nil in any other handler.
func (c *Ctx) Event() *abi.Event { return c.invocation.Event }

// IdempotencyKey is the request's Idempotency-Key, or empty. The host already
// answers a repeated key; a handler needs it for effects of its own.
func (c *Ctx) IdempotencyKey() string { return c.invocation.IdempotencyKey }

// Rand is a random stream that a call run again draws again. For secrets use
// crypto/rand.
func (c *Ctx) Rand() *rand.Rand {
	if c.random == nil {
		seed, _ := strconv.ParseUint(c.seed, 10, 64) // the host's own
		c.random = rand.New(rand.NewPCG(seed, 0))
	}
	return c.random
}

// Param returns a parameter of the route's path: "id" of "/contacts/:id".
func (c *Ctx) Param(name string) string {
	if c.invocation.Request == nil {
		return ""
	}
	return c.invocation.Request.Params[name]
}

// Query returns a parameter of the request's query, or empty.
func (c *Ctx) Query(name string) string { return c.query()[name] }

func (c *Ctx) query() map[string]string {
	if c.invocation.Request == nil {
		return nil
	}
	return c.invocation.Request.Query
}

// Header returns a header of the request by its lower-case name, or empty.
func (c *Ctx) Header(name string) string {
	s := scanner{text: c.sent}
	for s.enter('{'); s.more('}'); {
		if found := s.name(); found == name {
			return s.string()
		}
		s.skip()
	}
	return ""
}

// IfMatch is the version that the request's If-Match header asks a document to
// have, for TableOf.Patch and its like; 0 without the header.
func (c *Ctx) IfMatch() (int64, error) {
	tag := strings.Trim(strings.TrimPrefix(c.Header("if-match"), "W/"), `"`)
	if tag == "" || tag == "*" {
		return 0, nil
	}
	version, err := strconv.ParseInt(tag, 10, 64)
	if err != nil || version < 1 {
		return 0, Violation("header.If-Match", "must be a document's version, such as \"42\"")
	}
	return version, nil
}

// Body returns the request's body as it came: the bytes of a Raw route, the
// JSON of any other.
func (c *Ctx) Body() []byte {
	switch request := c.invocation.Request; {
	case request == nil:
		return nil
	case request.Raw != nil:
		return request.Raw
	default:
		return request.Body
	}
}

// SetStatus sets the status of the answer: 200 (204 without a body) if it isn't
// called.
func (c *Ctx) SetStatus(status int) { c.status = status }

// SetHeader sets a header of the answer.
func (c *Ctx) SetHeader(name, value string) {
	if c.headers == nil {
		c.headers = map[string]string{}
	}
	c.headers[name] = value
}

// Schedule adds a job to the unit of work: it runs once the unit is committed
// and the delay, at most 366 days, is over, and not at all if the unit fails. It
// returns the job's id. The payload's JSON holds 256 KiB at most. A unit that
// leaves more than 10,000 of the installation's jobs waiting, or more than 64 MiB
// of payloads, is refused when it commits.
func (c *Ctx) Schedule(job string, payload any, delay time.Duration) (string, error) {
	encoded, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	var scheduled abi.IDResponse
	err = ask(abi.OpJobsSchedule, abi.ScheduleRequest{Handler: job, Payload: encoded, DelayMS: delay.Milliseconds()}, &scheduled)
	return scheduled.ID, err
}

// Cancel removes a scheduled job that has not begun.
func (c *Ctx) Cancel(job string) error { return ask(abi.OpJobsCancel, abi.IDRequest{ID: job}, nil) }

// Mutate runs a mutation job as a unit of work of its own, for actions, which
// have none. Its answer is decoded into answer unless that is nil.
func (c *Ctx) Mutate(job string, payload, answer any) error {
	encoded, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return ask(abi.OpMutate, abi.MutateRequest{Handler: job, Payload: encoded}, answer)
}

// Fetch sends an HTTP request to a host the workspace granted, from actions: 20
// in a call, each with a body of at most 1 MiB, an answer of at most 8 MiB and
// 30 s at most. A longer body or answer is an error of kind too_large.
func (c *Ctx) Fetch(request abi.FetchRequest) (abi.FetchResponse, error) {
	var response abi.FetchResponse
	err := ask(abi.OpHTTPFetch, request, &response)
	return response, err
}

// Entitled tells whether the plan allows meter to grow by quantity.
func (c *Ctx) Entitled(meter string, quantity int64) (abi.EntitledResponse, error) {
	var answer abi.EntitledResponse
	err := ask(abi.OpBillingEntitled, abi.EntitledRequest{Meter: meter, Quantity: quantity}, &answer)
	return answer, err
}

// Record adds quantity, which may be negative, to a meter in the unit of work.
// It fails with quota_exceeded (see IsQuotaExceeded) when the plan's quota
// would be passed.
func (c *Ctx) Record(meter string, quantity int64) error {
	return ask(abi.OpBillingRecord, abi.RecordRequest{Meter: meter, Quantity: quantity}, nil)
}

// Plan describes the workspace's plan.
func (c *Ctx) Plan() (abi.PlanResponse, error) {
	var plan abi.PlanResponse
	err := ask(abi.OpBillingPlan, struct{}{}, &plan)
	return plan, err
}

// Grant gives scopes of this plugin to a role.
func (c *Ctx) Grant(role string, scopes ...string) error {
	return ask(abi.OpAccessGrant, abi.AccessGrantRequest{Role: role, Scopes: scopes}, nil)
}

// Allowed tells whether the actor has a scope. The host already checked the
// route's own.
func (c *Ctx) Allowed(scope string) (bool, error) {
	var answer abi.AccessCheckResponse
	err := ask(abi.OpAccessCheck, abi.AccessCheckRequest{Scope: scope}, &answer)
	return answer.Allowed, err
}

// Settings decodes the installation's settings into v. Secrets are not among
// them.
func (c *Ctx) Settings(v any) error { return ask(abi.OpSettingsGet, struct{}{}, v) }

// The levels of Log.
const (
	Debug = "debug"
	Info  = "info"
	Warn  = "warn"
	Error = "error"
)

// Log writes a line to the call's log: `c.Log(sdk.Info, "batch done", "rows", 50)`.
// A log that cannot be written never fails the handler. A call has 1,000 lines at
// most, and a message is cut at 8 KiB. All lines go to the server's log; the call's
// record keeps the first 50, up to 8 KiB of them together.
func (c *Ctx) Log(level, message string, pairs ...any) {
	var fields map[string]any
	for i := 0; i+1 < len(pairs); i += 2 {
		if fields == nil {
			fields = map[string]any{}
		}
		if name, ok := pairs[i].(string); ok {
			fields[name] = pairs[i+1]
		}
	}
	_ = ask(abi.OpLogWrite, abi.LogRequest{Level: level, Message: message, Fields: fields}, nil)
}
