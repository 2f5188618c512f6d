package hostfuncs

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Host answers the operations one run of a handler asks for. It is made for
// that run and forgotten with it.
type Host struct {
	b Binding

	mu   sync.Mutex // a guest is one thread, but nothing here should rely on it
	left Budget
	mail MailConnection // nil until the run sends mail
}

// Bind makes the host of one run. Close it when the run has ended.
func Bind(b Binding) *Host {
	if b.Budget == (Budget{}) {
		b.Budget = DefaultBudget
	}
	return &Host{b: b, left: b.Budget}
}

// Close lets go of what the run had open.
func (h *Host) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mail != nil {
		h.mail.Close()
		h.mail = nil
	}
}

// maxSmallRequest bounds the request of an operation that carries nothing of the
// plugin's own, in bytes. Its lists and names are made of the request before
// anything can look at them, and take many times its room.
const maxSmallRequest = 64 << 10

// carries are the operations whose requests hold a body, a payload or a text, as
// large as their own bounds say.
var carries = map[abi.Op]bool{
	abi.OpDataInsert: true, abi.OpDataPatch: true, abi.OpDataReplace: true,
	abi.OpEventsEmit: true, abi.OpJobsSchedule: true, abi.OpMutate: true, abi.OpHTTPFetch: true, abi.OpLogWrite: true,
	abi.OpMailSend: true, abi.OpCryptoVerify: true, abi.OpBlobPut: true,
}

// Call performs one operation: it is the choke point every request of a guest
// passes. In this order it checks that the operation exists, that this kind of
// handler may ask for it, that the workspace granted its capability, that the
// budget lasts, and that the request is not too large; then it acts. Nothing happens once ctx is done.
//
// The error is a core.Error whose message is for the plugin's author. Requests,
// whatever their bytes, never cause a panic.
func (h *Host) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	operation, ok := byNumber[op]
	if !ok {
		return nil, core.E("hostfuncs.Call", core.Invalid,
			"There is no host operation %d. This server speaks version %d of the ABI.", op, abi.Version)
	}
	if ctx.Err() != nil {
		return nil, core.E(operation.Name, core.Timeout, "%s came after the call's deadline.", operation.Name)
	}
	if err := h.allowed(operation); err != nil {
		return nil, err
	}
	if err := h.spend(operation, len(request)); err != nil {
		return nil, err
	}
	if len(request) > maxSmallRequest && !carries[op] {
		return nil, core.E(operation.Name, core.TooLarge,
			"A request of %s has at most %d bytes, and this one has %d.", operation.Name, maxSmallRequest, len(request))
	}
	response, err := operation.act(ctx, h, request)
	if err != nil {
		return nil, core.Wrap(operation.Name, core.Internal, err)
	}
	if err := h.spendResponse(operation, len(response)); err != nil {
		return nil, err
	}
	return response, nil
}

func (h *Host) allowed(o *Operation) error {
	if !slices.Contains(o.Kinds, h.b.Kind) {
		return core.E(o.Name, core.Denied, "%s is for %s, and this handler is %s. %s",
			o.Name, kindsPhrase(o.Kinds), kindPhrase[h.b.Kind], kindHint(o, h.b.Kind))
	}
	if o.Capability != "" && !h.b.Installation.Granted(o.Capability) {
		return core.E(o.Name, core.Denied,
			`The workspace has not granted the capability %q to %s. The manifest must ask for it, capabilities: [{"name": %q}], and the workspace approve it.`,
			o.Capability, h.b.Manifest.Name, o.Capability)
	}
	return nil
}

var kindPhrase = map[abi.Kind]string{abi.KindQuery: "a query", abi.KindMutation: "a mutation", abi.KindAction: "an action"}

func kindsPhrase(kinds []abi.Kind) string {
	names := map[abi.Kind]string{abi.KindQuery: "queries", abi.KindMutation: "mutations", abi.KindAction: "actions"}
	parts := make([]string, len(kinds))
	for i, kind := range kinds {
		parts[i] = names[kind]
	}
	return strings.Join(parts, " and ")
}

func kindHint(o *Operation, kind abi.Kind) string {
	switch {
	case kind == abi.KindAction:
		return "Move it to a mutation job and run that with mutate."
	case slices.Equal(o.Kinds, actions):
		return "Declare the handler as an action, or schedule an action with jobs.schedule."
	default:
		return "Declare the handler as a mutation."
	}
}

// spend takes an operation and its request from the budget, before it is done.
func (h *Host) spend(o *Operation, request int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left.Calls--
	h.left.RequestBytes -= int64(request)
	switch {
	case h.left.Calls < 0:
		return h.overspent(o, "%d host operations", h.b.Budget.Calls)
	case h.left.RequestBytes < 0:
		return h.overspent(o, "%d bytes of requests to the host", h.b.Budget.RequestBytes)
	}
	switch o.Op {
	case abi.OpLogWrite:
		if h.left.LogLines--; h.left.LogLines < 0 {
			return h.overspent(o, "%d log lines", h.b.Budget.LogLines)
		}
	case abi.OpHTTPFetch:
		if h.left.Fetches--; h.left.Fetches < 0 {
			return h.overspent(o, "%d outbound requests", h.b.Budget.Fetches)
		}
	case abi.OpMailSend:
		if h.left.Mails--; h.left.Mails < 0 {
			return h.overspent(o, "%d mails", h.b.Budget.Mails)
		}
	}
	return nil
}

func (h *Host) spendResponse(o *Operation, response int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left.ResponseBytes -= int64(response); h.left.ResponseBytes < 0 {
		return h.overspent(o, "%d bytes of answers from the host", h.b.Budget.ResponseBytes)
	}
	return nil
}

func (h *Host) overspent(o *Operation, format string, limit any) error {
	return core.E(o.Name, core.TooLarge,
		"One call may use "+format+", and this one has. Split the work into jobs with jobs.schedule.", limit)
}

// nothing is the request or the response {}.
type nothing struct{}

// with makes an operation's act of a function over its request and response. A
// response that is JSON already passes as it is.
func with[Req, Resp any](do func(context.Context, *Host, Req) (Resp, error)) func(context.Context, *Host, []byte) ([]byte, error) {
	return func(ctx context.Context, h *Host, request []byte) ([]byte, error) {
		decoded, err := core.Decode[Req]("hostfuncs.Decode", request)
		if err != nil {
			return nil, err
		}
		response, err := do(ctx, h, decoded)
		if err != nil {
			return nil, err
		}
		if raw, ok := any(response).(json.RawMessage); ok {
			return raw, nil
		}
		return json.Marshal(response)
	}
}
