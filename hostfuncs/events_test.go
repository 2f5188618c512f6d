package hostfuncs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/jsonschema"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// What is emitted fits the schema that was declared for it, or the error says
// where it doesn't.
func TestEventsFitTheirSchema(t *testing.T) {
	b := newBench(t)
	declared := *manifest
	declared.Emits = []abi.EventType{{Type: "crm.deal.won", Version: 1, Schema: json.RawMessage(`{"type":"object","additionalProperties":false,
		"required":["dealId"],"properties":{"dealId":{"type":"string"},"lines":{"type":"array","items":{"type":"object","properties":{"amount":{"type":"integer"}}}}}}`)}}
	h := b.bind(abi.KindMutation, func(b *hostfuncs.Binding) { b.Manifest, b.Schemas = &declared, &jsonschema.Events{} })
	emit := func(data string) string { return `{"type":"crm.deal.won","version":1,"data":` + data + `}` }
	id(t, h.ask(t, abi.OpEventsEmit, emit(`{"dealId":"doc_1","lines":[{"amount":1}]}`)))
	for data, want := range map[string]string{
		`{}`:                      "data.dealId: is missing",
		`{"dealId":7}`:            "data.dealId: got number, want string",
		`{"dealId":"a","dael":1}`: "data.dael: is not a member",
		`{"dealId":"a","lines":[{"amount":1},{"amount":"x"}]}`: "data.lines[1].amount: got string, want integer",
	} {
		_, err := h.Call(t.Context(), abi.OpEventsEmit, []byte(emit(data)))
		if core.KindOf(err) != core.Invalid || !strings.Contains(core.ViolationsOf(err).Error(), want) {
			t.Errorf("%s: %v, want %s", data, err, want)
		}
	}
	unchecked := b.bind(abi.KindMutation, func(b *hostfuncs.Binding) { b.Manifest = &declared })
	unchecked.refuse(t, abi.OpEventsEmit, emit(`{"dealId":"a"}`), core.Denied, "can't be checked")
	h.commit(t)
	if events, err := b.db.History().Events(t.Context(), b.ws.ID, "", "", 10); err != nil || len(events) != 1 {
		t.Errorf("events: %v, %v", events, err)
	}
}

// A neutral domain's events are emitted by who holds it, and by nobody else.
func TestNeutralDomains(t *testing.T) {
	b := newBench(t)
	const paid = `{"type":"order.paid","version":1,"data":{}}`
	b.bind(abi.KindMutation).refuse(t, abi.OpEventsEmit, paid, core.Denied, "neutral domain")
	holder := b.bind(abi.KindMutation, func(b *hostfuncs.Binding) {
		b.Installation.Grants = []core.Grant{{Capability: abi.CapabilityEvents, Domains: []string{"order"}}}
	})
	id(t, holder.ask(t, abi.OpEventsEmit, paid))
	holder.refuse(t, abi.OpEventsEmit, `{"type":"payment.failed","version":1,"data":{}}`, core.Denied, "neutral domain")
}
