package hostfuncs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/sqlite"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var manifest = &abi.Manifest{
	Name: "crm", Publisher: "acme", Version: "1.0.0",
	Tables: []abi.Table{{Name: "contacts", Fields: []abi.Field{
		{Name: "email", Type: abi.TypeEmail, Unique: true},
		{Name: "name", Type: abi.TypeString, Index: true},
	}}},
	Permissions: []abi.Permission{{Name: "crm.contacts.read"}, {Name: "crm.contacts.write"}},
	Emits:       []abi.EventType{{Type: "crm.contact.created", Version: 1}, {Type: "order.paid", Version: 1}},
	Jobs:        []abi.Job{{Name: "batch", Kind: abi.KindMutation}, {Name: "send", Kind: abi.KindAction}},
	Meters:      []abi.Meter{{Name: "contacts"}, {Name: "views"}},
	Settings:    json.RawMessage(`{"type":"object","properties":{"key":{"type":"string","secret":true},"mail":{"type":"object","properties":{"password":{"type":"string","secret":true}}}}}`),
}

var grants = []core.Grant{
	{Capability: abi.CapabilityData}, {Capability: abi.CapabilityEvents}, {Capability: abi.CapabilityJobs},
	{Capability: abi.CapabilityBilling}, {Capability: abi.CapabilityAccess}, {Capability: abi.CapabilityMail}, {Capability: abi.CapabilityBlobs}, {Capability: abi.CapabilityHTTP, Hosts: []string{"api.example.com"}},
}

// bench is a workspace of a real store in which handlers are bound.
type bench struct {
	t     testing.TB
	db    *sqlite.DB
	store *store.Store
	ws    core.Workspace
	in    core.Installation
	plan  core.Plan
	given []string // scopes granted to members
}

func newBench(t testing.TB) *bench {
	t.Helper()
	db, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bench{t: t, db: db, store: store.New(db.Documents()), plan: core.Plan{ID: "starter", Title: "Starter", Quotas: map[string]int64{"crm.contacts": 2}}}
	b.workspace()
	return b
}

// workspace moves the bench to another workspace of the same store.
func (b *bench) workspace() {
	b.ws = core.Workspace{ID: core.NewWorkspaceID()}
	b.in = core.Installation{
		ID: core.NewInstallationID(), Workspace: b.ws.ID, Plugin: core.PluginID{Publisher: "acme", Name: "crm"}, Alias: "crm",
		State: core.InstallationEnabled, Grants: grants, Settings: json.RawMessage(`{"key":"s3cret","theme":"dark","n":12345678901234567890,"mail":{"from":"a@b.c","password":"s3cret"}}`),
	}
}

// handler is a bound host and the unit behind it.
type handler struct {
	*hostfuncs.Host
	unit *store.Unit
}

func (b *bench) bind(kind abi.Kind, change ...func(*hostfuncs.Binding)) handler {
	unit := b.store.Begin(b.ws.ID, store.Scope{
		Plugin: b.in.Plugin, Installation: b.in.ID, Tables: manifest.Tables, ReadOnly: kind != abi.KindMutation, Now: noon,
	})
	binding := hostfuncs.Binding{
		Workspace: b.ws, Installation: b.in, Manifest: manifest, Plan: b.plan, Kind: kind, Trigger: abi.TriggerRequest,
		Actor: core.Actor{Type: core.ActorMember, Account: core.NewAccountID(), Role: core.RoleMember}, Invocation: core.NewInvocationID(), Now: noon,
		Grant: func(_ core.Role, scopes []string) { b.given = append(b.given, scopes...) },
	}
	if kind != abi.KindAction {
		binding.Unit = unit
	}
	for _, f := range change {
		f(&binding)
	}
	return handler{hostfuncs.Bind(binding), unit}
}

// ask performs an operation whose request is JSON text, and returns its answer.
func (h handler) ask(t testing.TB, op abi.Op, request string) string {
	t.Helper()
	answer, err := h.Call(t.Context(), op, []byte(request))
	if err != nil {
		t.Fatalf("operation %d of %s: %v", op, request, err)
	}
	return string(answer)
}

// refuse performs an operation that must fail with a kind and a message that
// holds each of the parts.
func (h handler) refuse(t testing.TB, op abi.Op, request string, kind core.Kind, parts ...string) {
	t.Helper()
	answer, err := h.Call(t.Context(), op, []byte(request))
	if core.KindOf(err) != kind {
		t.Fatalf("operation %d of %s: %q, %v; want %s", op, request, answer, err, kind)
	}
	for _, part := range parts {
		if text := core.MessageOf(err) + " " + core.ViolationsOf(err).Error(); !strings.Contains(text, part) {
			t.Errorf("operation %d of %s: %q does not name %q", op, request, text, part)
		}
	}
}

func (h handler) commit(t testing.TB) store.Committed {
	t.Helper()
	done, err := h.unit.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func id(t testing.TB, answer string) string {
	t.Helper()
	var v struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &v); err != nil || v.ID == "" {
		t.Fatalf("no id in %s", answer)
	}
	return v.ID
}

// Every operation refuses the kinds of handlers it isn't for, and installations
// without its grant, before it looks at its request.
func TestKindAndGrantOfEveryOperation(t *testing.T) {
	b := newBench(t)
	for _, op := range hostfuncs.Ops() {
		t.Run(op.Name, func(t *testing.T) {
			for _, kind := range []abi.Kind{abi.KindQuery, abi.KindMutation, abi.KindAction} {
				if !slices.Contains(op.Kinds, kind) {
					b.bind(kind).refuse(t, op.Op, `nonsense`, core.Denied, op.Name, string(kind))
				}
			}
			if op.Capability == "" {
				return
			}
			without := func(b *hostfuncs.Binding) {
				b.Installation.Grants = slices.DeleteFunc(slices.Clone(grants), func(g core.Grant) bool { return g.Capability == op.Capability })
			}
			b.bind(op.Kinds[0], without).refuse(t, op.Op, `nonsense`, core.Denied, fmt.Sprintf(`capabilities: [{"name": %q}]`, op.Capability))
		})
	}
}

// The table is what a guest sees: names and numbers are never given twice, and
// writing is for mutations.
func TestTableOfOperations(t *testing.T) {
	numbers, names := map[abi.Op]bool{}, map[string]bool{}
	for _, op := range hostfuncs.Ops() {
		if numbers[op.Op] || names[op.Name] || op.Doc == "" || len(op.Kinds) == 0 {
			t.Errorf("%+v", op)
		}
		numbers[op.Op], names[op.Name] = true, true
	}
	if len(numbers) != 23 {
		t.Errorf("%d operations", len(numbers))
	}
}

func TestUnknownOperation(t *testing.T) {
	for _, op := range []abi.Op{abi.OpInput, abi.OpOutput, 9, 1 << 31} {
		newBench(t).bind(abi.KindMutation).refuse(t, op, `{}`, core.Invalid, "no host operation")
	}
}

// TestAttack31_AWorkspaceInThePayloadIsAnUnknownField: nothing a guest writes
// can name a workspace, in any operation.
func TestAttack31_AWorkspaceInThePayloadIsAnUnknownField(t *testing.T) {
	b := newBench(t)
	for _, op := range hostfuncs.Ops() {
		for _, name := range []string{"workspace", "Workspace", "workspaceId", "ws", "tenant", "install"} {
			h := b.bind(op.Kinds[0])
			h.refuse(t, op.Op, fmt.Sprintf(`{%q: "ws_0198"}`, name), core.Invalid, name)
		}
	}
}

// TestAttack34_CallFloods: a run has a budget of each thing it asks for, and a
// refused operation does nothing.
func TestAttack34_CallFloods(t *testing.T) {
	b := newBench(t)
	within := func(budget hostfuncs.Budget) func(*hostfuncs.Binding) {
		return func(b *hostfuncs.Binding) { b.Budget = budget }
	}
	full := hostfuncs.DefaultBudget

	calls := full
	calls.Calls = 3
	h := b.bind(abi.KindMutation, within(calls))
	for range 3 {
		h.ask(t, abi.OpDataInsert, `{"table":"contacts","body":{"name":"Ada"}}`)
	}
	for range 100 {
		h.refuse(t, abi.OpDataInsert, `{"table":"contacts","body":{"name":"Ada"}}`, core.TooLarge, "3 host operations", "jobs.schedule")
	}
	h.commit(t)
	if got := b.bind(abi.KindQuery).ask(t, abi.OpDataCount, `{"table":"contacts"}`); got != `{"count":3}` {
		t.Fatalf("after the flood: %s", got)
	}

	requests := full
	requests.RequestBytes = 1000
	h = b.bind(abi.KindMutation, within(requests))
	h.ask(t, abi.OpLogWrite, `{"level":"info","message":"`+strings.Repeat("x", 900)+`"}`)
	h.refuse(t, abi.OpLogWrite, `{"level":"info","message":"`+strings.Repeat("x", 900)+`"}`, core.TooLarge, "1000 bytes of requests")

	answers := full
	answers.ResponseBytes = 600
	h = b.bind(abi.KindQuery, within(answers))
	h.ask(t, abi.OpDataQuery, `{"table":"contacts"}`)
	h.refuse(t, abi.OpDataQuery, `{"table":"contacts"}`, core.TooLarge, "600 bytes of answers")

	lines := full
	lines.LogLines = 2
	var logged int
	h = b.bind(abi.KindQuery, within(lines), func(b *hostfuncs.Binding) { b.Log = func(abi.LogRequest) { logged++ } })
	h.ask(t, abi.OpLogWrite, `{"level":"info","message":"1"}`)
	h.ask(t, abi.OpLogWrite, `{"level":"info","message":"2"}`)
	h.refuse(t, abi.OpLogWrite, `{"level":"info","message":"3"}`, core.TooLarge, "2 log lines")
	if logged != 2 {
		t.Fatalf("%d lines were logged", logged)
	}
	h.ask(t, abi.OpDataCount, `{"table":"contacts"}`) // other operations go on
}

// TestAttack35_NothingHappensAfterTheDeadline
func TestAttack35_NothingHappensAfterTheDeadline(t *testing.T) {
	b := newBench(t)
	h := b.bind(abi.KindMutation)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Call(ctx, abi.OpDataInsert, []byte(`{"table":"contacts","body":{}}`)); core.KindOf(err) != core.Timeout {
		t.Fatalf("after the deadline: %v", err)
	}
	h.commit(t)
	if got := b.bind(abi.KindQuery).ask(t, abi.OpDataCount, `{"table":"contacts"}`); got != `{"count":0}` {
		t.Fatalf("it was done all the same: %s", got)
	}
}

// TestAttack36_AnotherPluginsTableIsUnknown: tables are found in the caller's
// own manifest only, however they are spelled.
func TestAttack36_AnotherPluginsTableIsUnknown(t *testing.T) {
	b := newBench(t)
	other := b.store.Begin(b.ws.ID, store.Scope{
		Plugin: core.PluginID{Publisher: "acme", Name: "shop"}, Installation: core.NewInstallationID(), Now: noon,
		Tables: []abi.Table{{Name: "orders", Fields: []abi.Field{{Name: "total", Type: abi.TypeInt}}}},
	})
	order, err := other.Insert(t.Context(), "orders", json.RawMessage(`{"total":100}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := b.bind(abi.KindMutation)
	for _, table := range []string{"orders", "shop.orders", "acme/shop.orders", "acme/shop/orders", "../shop.orders", "", "documents"} {
		for op, request := range map[abi.Op]string{
			abi.OpDataInsert:  `{"table":%q,"body":{"total":1}}`,
			abi.OpDataGet:     `{"table":%q,"id":"` + string(order.ID) + `"}`,
			abi.OpDataPatch:   `{"table":%q,"id":"` + string(order.ID) + `","body":{"total":1}}`,
			abi.OpDataReplace: `{"table":%q,"id":"` + string(order.ID) + `","body":{"total":1}}`,
			abi.OpDataDelete:  `{"table":%q,"id":"` + string(order.ID) + `"}`,
			abi.OpDataQuery:   `{"table":%q}`,
			abi.OpDataCount:   `{"table":%q}`,
		} {
			h.refuse(t, op, fmt.Sprintf(request, table), core.Invalid, "table")
		}
	}
	// An id of another plugin's document is a missing one in the own table.
	_, stranger := h.Call(t.Context(), abi.OpDataGet, []byte(`{"table":"contacts","id":"`+string(order.ID)+`"}`))
	_, missing := h.Call(t.Context(), abi.OpDataGet, []byte(`{"table":"contacts","id":"`+string(core.NewDocumentID())+`"}`))
	if core.KindOf(stranger) != core.NotFound || core.MessageOf(stranger) != core.MessageOf(missing) {
		t.Fatalf("%v, but a missing one: %v", stranger, missing)
	}
}

// FuzzCall: whatever bytes a guest sends with whatever operation, the host
// answers, or refuses it with an error that says what is wrong.
func FuzzCall(f *testing.F) {
	b := newBench(f)
	seeds := []string{
		``, `{}`, `null`, `[]`, `{"table":"contacts","body":{"email":"a@b.c"}}`, `{"table":"contacts","id":"doc_1"}`,
		`{"table":"contacts","filter":[{"field":"name","op":"prefix","value":"A"}],"sort":["-name"],"limit":-1,"cursor":"x"}`,
		`{"type":"crm.contact.created","version":1,"data":{}}`, `{"handler":"batch","payload":1,"delayMs":9e18}`,
		`{"meter":"contacts","quantity":-9223372036854775808}`, `{"role":"member","scopes":["crm.contacts.read"]}`,
		`{"level":"info","message":"\ud800","fields":{"a":{"b":[1]}}}`, `{"method":"GET","url":"http://[::1%25eth0]/","headers":{"a\n":"b"}}`, `{"id":"dlv_"}`,
		`{"key":"k","to":"a@b.c","subject":"s","text":"t","headers":{"References":"<1@b.c>"}}`,
	}
	for i, op := range hostfuncs.Ops() {
		f.Add(uint32(op.Op), []byte(seeds[i%len(seeds)]))
		for _, seed := range seeds {
			f.Add(uint32(op.Op), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, op uint32, request []byte) {
		for _, kind := range []abi.Kind{abi.KindMutation, abi.KindAction} {
			h := b.bind(kind, func(b *hostfuncs.Binding) {
				b.Fetch, b.Post = refusing{}, nowhere
				b.Installation.Settings = json.RawMessage(`{"smtp":{"host":"mail.example.com","fromAddress":"a@b.c"}}`)
				b.Log = func(abi.LogRequest) {}
				b.Mutate = func(context.Context, string, json.RawMessage) (json.RawMessage, error) { return nil, nil }
			})
			answer, err := h.Call(t.Context(), abi.Op(op), request)
			if err == nil && !json.Valid(answer) {
				t.Fatalf("operation %d answered %q", op, answer)
			}
			if core.KindOf(err) == core.Internal {
				t.Fatalf("operation %d of %q: %v", op, request, err)
			}
		}
	})
}

// refusing is a network that isn't there: the fuzzer must not use the real one.
type refusing struct{}

// nowhere is the same for mail.
var nowhere = hostfuncs.NewPost(make([]byte, 32), nil, func(context.Context, core.MailServer) (hostfuncs.MailConnection, error) {
	return nil, core.E("mail.send", core.Unavailable, "There is no network here.")
})

func (refusing) Fetch(context.Context, []string, abi.FetchRequest) (abi.FetchResponse, error) {
	return abi.FetchResponse{}, core.E("http.fetch", core.Unavailable, "There is no network here.")
}
