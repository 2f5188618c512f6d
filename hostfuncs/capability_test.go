package hostfuncs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

func TestEventsEmit(t *testing.T) {
	b := newBench(t)
	h := b.bind(abi.KindMutation, func(b *hostfuncs.Binding) { b.Hop, b.Invocation = 2, "inv_cause" })
	first := id(t, h.ask(t, abi.OpEventsEmit, `{"type":"crm.contact.created","version":1,"data":{"id":"doc_1"}}`))
	for request, want := range map[string]struct {
		kind core.Kind
		part string
	}{
		`{"type":"crm.contact.deleted","version":1,"data":{}}`:                                          {core.Invalid, `"crm.contact.deleted"`},
		`{"type":"crm.contact.created","version":2,"data":{}}`:                                          {core.Invalid, "version 2"},
		`{"type":"order.paid","version":1,"data":{}}`:                                                   {core.Denied, `"crm."`}, // declared, but not its own
		`{"type":"core.workspace.deleted","version":1,"data":{}}`:                                       {core.Denied, `"crm."`},
		`{"type":"crm.contact.created","version":1,"data":[1]}`:                                         {core.Invalid, "data"},
		`{"type":"crm.contact.created","version":1}`:                                                    {core.Invalid, "data"},
		`{"type":"crm.contact.created","version":1,"data":{"a":"` + strings.Repeat("x", 64<<10) + `"}}`: {core.TooLarge, "65536"},
	} {
		h.refuse(t, abi.OpEventsEmit, request, want.kind, want.part)
	}
	loop := b.bind(abi.KindMutation, func(b *hostfuncs.Binding) { b.Hop = 8 })
	loop.refuse(t, abi.OpEventsEmit, `{"type":"crm.contact.created","version":1,"data":{}}`, core.Denied, "loop")
	h.commit(t)
	events, err := b.db.History().Events(t.Context(), b.ws.ID, "", "", 10)
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	want := core.Event{ID: core.EventID(first), Workspace: b.ws.ID, Type: "crm.contact.created", Version: 1, Source: "/crm",
		Data: json.RawMessage(`{"id":"doc_1"}`), Cause: "inv_cause", Hop: 2, Time: noon}
	if fmt.Sprint(events[0]) != fmt.Sprint(want) {
		t.Fatalf("event:\n%v, want\n%v", events[0], want)
	}
}

func TestJobs(t *testing.T) {
	b := newBench(t)
	h := b.bind(abi.KindMutation)
	now := id(t, h.ask(t, abi.OpJobsSchedule, `{"handler":"batch","payload":{"row":1}}`))
	later := id(t, h.ask(t, abi.OpJobsSchedule, `{"handler":"send","payload":null,"delayMs":60000}`))
	h.refuse(t, abi.OpJobsSchedule, `{"handler":"create","payload":{}}`, core.Invalid, `jobs: [{"name": "create"`)
	h.refuse(t, abi.OpJobsSchedule, `{"handler":"batch","payload":{},"delayMs":-1}`, core.Invalid, "delayMs")
	h.refuse(t, abi.OpJobsSchedule, `{"handler":"batch","payload":{},"delayMs":9223372036854775807}`, core.Invalid, "delayMs")
	h.refuse(t, abi.OpJobsSchedule, `{"handler":"batch","payload":"`+strings.Repeat("x", 256<<10)+`"}`, core.TooLarge)
	h.refuse(t, abi.OpJobsCancel, `{"id":"`+string(core.NewDocumentID())+`"}`, core.Invalid, "id")
	if !h.commit(t).Deliveries {
		t.Error("the commit doesn't say that there are deliveries")
	}
	got, err := b.db.History().Delivery(t.Context(), b.ws.ID, core.DeliveryID(later))
	if err != nil || got.Handler != "send" || got.Install != b.in.ID || !got.Due.Equal(noon.Add(time.Minute)) || got.State != core.DeliveryPending {
		t.Fatalf("%+v, %v", got, err)
	}

	// Another installation of the workspace cannot cancel it, and isn't told.
	h = b.bind(abi.KindMutation, func(b *hostfuncs.Binding) { b.Installation.ID = core.NewInstallationID() })
	h.ask(t, abi.OpJobsCancel, `{"id":"`+later+`"}`)
	h.commit(t)
	if _, err := b.db.History().Delivery(t.Context(), b.ws.ID, core.DeliveryID(later)); err != nil {
		t.Fatalf("it was cancelled by another plugin: %v", err)
	}
	h = b.bind(abi.KindMutation)
	h.ask(t, abi.OpJobsCancel, `{"id":"`+later+`"}`)
	soon := id(t, h.ask(t, abi.OpJobsSchedule, `{"handler":"batch","payload":1}`))
	h.ask(t, abi.OpJobsCancel, `{"id":"`+soon+`"}`) // of the same unit
	h.commit(t)
	for _, gone := range []string{later, soon} {
		if _, err := b.db.History().Delivery(t.Context(), b.ws.ID, core.DeliveryID(gone)); core.KindOf(err) != core.NotFound {
			t.Fatalf("not cancelled: %v", err)
		}
	}
	if _, err := b.db.History().Delivery(t.Context(), b.ws.ID, core.DeliveryID(now)); err != nil {
		t.Fatal(err)
	}
}

func TestBilling(t *testing.T) {
	b := newBench(t)
	h := b.bind(abi.KindMutation)
	entitled := func(h handler, meter string, quantity int64, want string) {
		t.Helper()
		if got := h.ask(t, abi.OpBillingEntitled, fmt.Sprintf(`{"meter":%q,"quantity":%d}`, meter, quantity)); got != want {
			t.Errorf("entitled to %d %s: %s, want %s", quantity, meter, got, want)
		}
	}
	entitled(h, "contacts", 2, `{"entitled":true,"used":0,"limit":2}`)
	entitled(h, "contacts", 3, `{"entitled":false,"used":0,"limit":2}`)
	entitled(h, "contacts", math.MaxInt64, `{"entitled":false,"used":0,"limit":2}`)
	entitled(h, "contacts", math.MinInt64, `{"entitled":true,"used":0,"limit":2}`)
	entitled(h, "views", math.MaxInt64, `{"entitled":true,"used":0,"limit":-1}`)
	h.refuse(t, abi.OpBillingRecord, `{"meter":"emails","quantity":1}`, core.Invalid, `meters: [{"name": "emails"}]`)
	h.refuse(t, abi.OpBillingEntitled, `{"meter":"shop.orders","quantity":1}`, core.Invalid, "shop.orders")
	for _, quantity := range []int64{math.MinInt64, -1 << 53, 1 << 53, math.MaxInt64} {
		for _, meter := range []string{"contacts", "views"} {
			h.refuse(t, abi.OpBillingRecord, fmt.Sprintf(`{"meter":%q,"quantity":%d}`, meter, quantity), core.Invalid, "quantity", "9007199254740991")
		}
	}

	// The quota holds within the unit, before its commit.
	h.ask(t, abi.OpBillingRecord, `{"meter":"contacts","quantity":2}`)
	h.refuse(t, abi.OpBillingRecord, `{"meter":"contacts","quantity":1}`, core.QuotaExceeded, "Starter", "2")
	h.ask(t, abi.OpBillingRecord, `{"meter":"contacts","quantity":-1}`)
	h.ask(t, abi.OpBillingRecord, `{"meter":"contacts","quantity":1}`)
	h.ask(t, abi.OpBillingRecord, `{"meter":"views","quantity":1000000}`)
	entitled(h, "contacts", 1, `{"entitled":false,"used":2,"limit":2}`)
	h.commit(t)
	entitled(b.bind(abi.KindQuery), "contacts", 1, `{"entitled":false,"used":2,"limit":2}`)
	b.bind(abi.KindMutation).refuse(t, abi.OpBillingRecord, `{"meter":"contacts","quantity":1}`, core.QuotaExceeded)

	// A meter without a quota has an end as well, which its commit finds.
	h = b.bind(abi.KindMutation)
	h.ask(t, abi.OpBillingRecord, `{"meter":"views","quantity":9007199254740991}`)
	if _, err := h.unit.Commit(t.Context()); core.KindOf(err) != core.QuotaExceeded || !strings.Contains(core.MessageOf(err), "crm.views can't go beyond 9007199254740991") {
		t.Errorf("a meter beyond its end: %v", err)
	}

	if got, want := b.bind(abi.KindAction).ask(t, abi.OpBillingPlan, `{}`), `{"id":"starter","title":"Starter","quotas":{"crm.contacts":2}}`; got != want {
		t.Errorf("plan: %s, want %s", got, want)
	}
}

func TestAccess(t *testing.T) {
	b := newBench(t)
	h := b.bind(abi.KindMutation)
	h.ask(t, abi.OpAccessGrant, `{"role":"member","scopes":["crm.contacts.read","crm.contacts.write"]}`)
	h.refuse(t, abi.OpAccessGrant, `{"role":"member","scopes":["crm.contacts.read","shop.orders.write"]}`, core.Invalid, "shop.orders.write")
	h.refuse(t, abi.OpAccessGrant, `{"role":"member","scopes":["*"]}`, core.Invalid, `"*"`)
	for _, role := range []string{"owner", "admin", "", "god"} {
		h.refuse(t, abi.OpAccessGrant, fmt.Sprintf(`{"role":%q,"scopes":[]}`, role), core.Invalid, "role")
	}
	if !slices.Equal(b.given, []string{"crm.contacts.read", "crm.contacts.write"}) {
		t.Fatalf("granted %v", b.given)
	}
	b.in.RoleScopes = map[core.Role][]string{core.RoleMember: {"crm.contacts.read"}}
	check := func(actor core.Actor, scope, want string) {
		t.Helper()
		h := b.bind(abi.KindAction, func(b *hostfuncs.Binding) { b.Actor = actor })
		if got := h.ask(t, abi.OpAccessCheck, fmt.Sprintf(`{"scope":%q}`, scope)); got != want {
			t.Errorf("%+v has %s: %s", actor, scope, got)
		}
	}
	const yes, no = `{"allowed":true}`, `{"allowed":false}`
	check(core.Actor{Type: core.ActorMember, Role: core.RoleMember}, "crm.contacts.read", yes)
	check(core.Actor{Type: core.ActorMember, Role: core.RoleMember}, "crm.contacts.write", no)
	check(core.Actor{Type: core.ActorMember, Role: core.RoleAdmin}, "crm.contacts.write", yes)
	check(core.Actor{Type: core.ActorToken, Role: core.RoleAdmin, Scopes: []string{"crm.contacts.read"}}, "crm.contacts.write", no)
	check(core.Actor{Type: core.ActorAnonymous}, "crm.contacts.read", no)
	check(core.Actor{Type: core.ActorInstallation, Install: b.in.ID}, "crm.contacts.write", yes)
	check(core.Actor{Type: core.ActorInstallation, Install: core.NewInstallationID()}, "crm.contacts.write", no)
	h.refuse(t, abi.OpAccessCheck, `{"scope":"shop.orders.read"}`, core.Invalid, "shop.orders.read")
}

func TestSettingsComeWithoutTheirSecrets(t *testing.T) {
	b := newBench(t)
	if got, want := b.bind(abi.KindQuery).ask(t, abi.OpSettingsGet, `{}`), `{"mail":{"from":"a@b.c"},"n":12345678901234567890,"theme":"dark"}`; got != want {
		t.Errorf("settings: %s, want %s", got, want)
	}
	b.in.Settings = nil
	if got := b.bind(abi.KindAction).ask(t, abi.OpSettingsGet, ``); got != `{}` {
		t.Errorf("no settings: %s", got)
	}
}

func TestLogWrite(t *testing.T) {
	b := newBench(t)
	var lines []abi.LogRequest
	h := b.bind(abi.KindQuery, func(b *hostfuncs.Binding) { b.Log = func(l abi.LogRequest) { lines = append(lines, l) } })
	h.ask(t, abi.OpLogWrite, `{"level":"warn","message":"slow","fields":{"ms":12}}`)
	h.ask(t, abi.OpLogWrite, `{"level":"info","message":"`+strings.Repeat("é", 8<<10)+`"}`)
	h.refuse(t, abi.OpLogWrite, `{"level":"fatal","message":"x"}`, core.Invalid, "level")
	if len(lines) != 2 || lines[0].Message != "slow" || lines[0].Fields["ms"] != 12.0 {
		t.Fatalf("lines: %v", lines)
	}
	if n := len(lines[1].Message); n > 8<<10+len("…") || !strings.HasSuffix(lines[1].Message, "é…") {
		t.Errorf("a long line is cut to %d bytes, ending %q", n, lines[1].Message[n-6:])
	}
	b.bind(abi.KindQuery).ask(t, abi.OpLogWrite, `{"level":"info","message":"to nobody"}`)
}

// TestAttack32_MutateDoesNotNest: only an action may run a mutation, so what it
// runs cannot run another.
func TestAttack32_MutateDoesNotNest(t *testing.T) {
	b := newBench(t)
	depth := 0
	var mutate func(ctx context.Context, handler string, payload json.RawMessage) (json.RawMessage, error)
	mutate = func(ctx context.Context, handler string, payload json.RawMessage) (json.RawMessage, error) {
		depth++
		// The mutation tries what the action could.
		inner := b.bind(abi.KindMutation, func(b *hostfuncs.Binding) { b.Mutate = mutate })
		_, err := inner.Call(ctx, abi.OpMutate, []byte(`{"handler":"batch","payload":1}`))
		return json.RawMessage(`"` + string(core.KindOf(err)) + `"`), nil
	}
	h := b.bind(abi.KindAction, func(b *hostfuncs.Binding) { b.Mutate = mutate })
	if got := h.ask(t, abi.OpMutate, `{"handler":"batch","payload":{"rows":[]}}`); got != `"denied"` || depth != 1 {
		t.Fatalf("%s at depth %d", got, depth)
	}
	h.refuse(t, abi.OpMutate, `{"handler":"create","payload":1}`, core.Invalid, `jobs: [{"name": "create"`)
	h.refuse(t, abi.OpMutate, `{"handler":"send","payload":1}`, core.Invalid, "an action")
	b.bind(abi.KindAction).refuse(t, abi.OpMutate, `{"handler":"batch","payload":1}`, core.Denied)
}
