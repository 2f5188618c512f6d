package dispatch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/sqlite"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var starter = core.Plan{ID: "starter", Title: "Starter", Plugins: []string{"crm", "shop"}, Quotas: map[string]int64{"crm.contacts": 3},
	Limits: abi.Limits{Fuel: 1000}}

var manifest = &abi.Manifest{
	Name: "crm", Publisher: "acme", Version: "1.0.0",
	Tables: []abi.Table{{Name: "counters", Fields: []abi.Field{
		{Name: "name", Type: abi.TypeString, Unique: true}, {Name: "n", Type: abi.TypeInt},
	}}},
	Permissions: []abi.Permission{{Name: "crm.counters.read"}, {Name: "crm.counters.write"}},
	Emits:       []abi.EventType{{Type: "crm.counted", Version: 1}},
	Meters:      []abi.Meter{{Name: "contacts"}},
	Jobs:        []abi.Job{{Name: "bump", Kind: abi.KindMutation}, {Name: "send", Kind: abi.KindAction}},
	Listens:     []abi.Listener{{Type: "order.paid", Handler: "bump"}, {Type: "shop.heard", Handler: "answered"}},
	Pages: []abi.ManifestPage{
		{Path: "/counters", Title: "Counters", Handler: "page", Permission: "crm.counters.read"},
		{Path: "/counters/:id", Title: "Counter", Handler: "page", Permission: "crm.counters.read"},
	},
	Routes: []abi.Route{
		{Method: "GET", Path: "/run", Kind: abi.KindQuery, Handler: "query"},
		{Method: "POST", Path: "/run", Kind: abi.KindMutation, Handler: "mutation"},
		{Method: "PUT", Path: "/run/:id", Kind: abi.KindAction, Handler: "action"},
		{Method: "GET", Path: "/export", Kind: abi.KindAction, Raw: true, Handler: "export"},
		{Method: "POST", Path: "/export", Kind: abi.KindAction, Raw: true, Handler: "export"},
		{Method: "GET", Path: "/public", Kind: abi.KindQuery, Handler: "query", Public: true},
		{Method: "POST", Path: "/write", Kind: abi.KindMutation, Handler: "mutation", Permission: "crm.counters.write"},
	},
}

// shop is a plugin that hears what the other tells, and tells of it.
var shop = &abi.Manifest{
	Name: "shop", Publisher: "acme", Version: "1.0.0", Tables: manifest.Tables,
	Emits:   []abi.EventType{{Type: "shop.heard", Version: 1}},
	Listens: []abi.Listener{{Type: "crm.counted", Handler: "heard"}},
}

// releases are the manifests of all plugins.
var releases = map[core.Digest]*abi.Manifest{"sha256:crm": manifest, "sha256:shop": shop}

// guest is a handler written in Go. It sees what a module would: the
// invocation, and the host behind its one door.
type guest func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (answer any, err error)

// trap is an error of a guest that crashed.
type trap struct{ outcome core.Outcome }

func (t trap) Error() string { return string(t.outcome) }

// bench is a real store with a workspace and an installation, whose handlers
// are guests.
type bench struct {
	*testing.T
	db    *sqlite.DB
	units *store.Store
	log   *recorder
	owner core.Actor
	ws    core.Workspace
	in    core.Installation

	mu     sync.Mutex
	guests map[string]guest
	limits dispatch.Limits // of the last run
	runs   atomic.Int64
	woken  atomic.Int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db, err := sqlite.Open(t.Context(), t.TempDir())
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	b := &bench{T: t, db: db, units: store.New(db.Documents()), log: &recorder{}, guests: map[string]guest{}}
	b.owner = core.Actor{Type: core.ActorMember, Account: b.account("owner@example.com"), Role: core.RoleOwner}
	b.ws = core.Workspace{ID: core.NewWorkspaceID(), Slug: "acme", Name: "Acme", TimeZone: "UTC", Locale: "en", Plan: "starter", Created: noon}
	must(t, db.CreateWorkspace(t.Context(), b.ws, b.owner.Account,
		core.Contract{ID: core.NewContractID(), Workspace: b.ws.ID, Plan: "starter", Began: noon}, core.AuditEntry{Time: noon}))
	b.in = core.Installation{
		ID: core.NewInstallationID(), Workspace: b.ws.ID, Plugin: core.PluginID{Publisher: "acme", Name: "crm"}, Alias: "crm",
		Version: "1.0.0", Digest: "sha256:crm", State: core.InstallationEnabled, Revision: 1, Created: noon, Updated: noon,
		RoleScopes: map[core.Role][]string{core.RoleMember: {"crm.counters.read"}},
		Grants: []core.Grant{
			{Capability: abi.CapabilityData}, {Capability: abi.CapabilityEvents}, {Capability: abi.CapabilityJobs},
			{Capability: abi.CapabilityBilling}, {Capability: abi.CapabilityAccess},
		},
	}
	must(t, b.dispatcher().Lifecycle(t.Context(), b.install("")))
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dispatcher makes a dispatcher with a cache of its own, as another server
// would have.
func (b *bench) dispatcher(change ...func(*dispatch.Config)) *dispatch.Dispatcher {
	c := dispatch.Config{
		Views: views{b.db}, Units: units{b.units}, Events: b.db.History(), Runner: b, Records: b.log, Wake: func() { b.woken.Add(1) },
		Plans: []core.Plan{starter, {ID: "pro", Title: "Professional", Plugins: []string{"*"}}},
	}
	for _, f := range change {
		f(&c)
	}
	return dispatch.New(c)
}

func (b *bench) install(hook string) dispatch.Lifecycle {
	return dispatch.Lifecycle{
		Workspace: b.ws, Installation: b.in, Manifest: manifest, Hook: hook, Actor: b.owner, NeedsPlan: true,
		Changes: []core.Change{core.PutInstallation{Installation: b.in}},
	}
}

// update changes the installation, behind the back of every dispatcher.
func (b *bench) update(change func(*core.Installation)) {
	b.Helper()
	must(b.T, b.db.Change(b.Context(), b.ws.ID, func(a core.Access) ([]core.Change, error) {
		in, _ := a.Installation("crm")
		change(&in)
		in.Revision++
		return []core.Change{core.PutInstallation{Installation: in}}, nil
	}))
}

func (b *bench) account(email string) core.AccountID {
	b.Helper()
	id := core.NewAccountID()
	must(b.T, b.db.CreateAccount(b.Context(), core.Account{ID: id, Email: email, Name: email, PasswordHash: "-", Created: noon}))
	return id
}

// member adds a person to the workspace.
func (b *bench) member(role core.Role) core.Actor {
	b.Helper()
	account := b.account(string(role) + string(core.NewAccountID()) + "@example.com")
	must(b.T, b.db.Change(b.Context(), b.ws.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.PutMember{Member: core.Member{Workspace: b.ws.ID, Account: account, Role: role, Created: noon}}}, nil
	}))
	return core.Actor{Type: core.ActorMember, Account: account, Role: role}
}

// handle sets what a handler does.
func (b *bench) handle(name string, g guest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.guests[name] = g
}

// Run implements dispatch.Runner.
func (b *bench) Run(ctx context.Context, c dispatch.Call) dispatch.Result {
	b.runs.Add(1)
	b.mu.Lock()
	g := b.guests[c.Handler]
	b.limits = c.Limits
	b.mu.Unlock()
	binding := hostfuncs.Binding{
		Workspace: c.Workspace, Installation: c.Installation, Manifest: c.Manifest, Plan: c.Plan, Actor: c.Actor, Kind: c.Kind,
		Trigger: c.Trigger, Invocation: c.Invocation, Hop: c.Hop, Now: c.Now, Grant: c.Grant, Mutate: c.Mutate,
	}
	if c.Unit != nil {
		binding.Unit = c.Unit.(unit)
	}
	var in abi.Invocation
	if err := json.Unmarshal(c.Input, &in); err != nil {
		b.Errorf("the input is not an invocation: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Limits.Time)
	defer cancel()
	answer, err := g(ctx, in, hostfuncs.Bind(binding))
	result := dispatch.Result{Outcome: core.OutcomeOK, Fuel: 10, Duration: time.Millisecond}
	switch e := err.(type) {
	case nil:
		if raw, ok := answer.(string); ok {
			result.Output = []byte(raw)
			return result
		}
		body, _ := json.Marshal(answer)
		result.Output, _ = json.Marshal(abi.Response{Body: body})
	case trap:
		result.Outcome, result.Err = e.outcome, core.E("test.Run", core.Internal, "The plugin crm crashed.")
		if e.outcome == core.OutcomeTimeout {
			result.Err = core.E("test.Run", core.Timeout, "The plugin crm was too slow.")
		}
	default:
		result.Output, _ = json.Marshal(abi.Response{Error: &abi.Error{Kind: string(core.KindOf(err)), Message: core.MessageOf(err), Violations: core.ViolationsOf(err)}})
	}
	return result
}

// ask makes a request of a route.
func (b *bench) ask(d *dispatch.Dispatcher, actor core.Actor, method, path string) (dispatch.Answer, error) {
	return d.Request(b.Context(), dispatch.Request{Workspace: b.ws, Alias: "crm", Actor: actor, HTTP: abi.Request{Method: method, Path: path}})
}

// call performs an operation as a guest would, and reads its answer.
func call[T any](ctx context.Context, host *hostfuncs.Host, op abi.Op, request any) (answer T, err error) {
	encoded, err := json.Marshal(request)
	if err != nil {
		return answer, err
	}
	raw, err := host.Call(ctx, op, encoded)
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(raw, &answer)
}

type counter struct {
	ID      string `json:"id,omitempty"`
	Version int64  `json:"version,omitempty"`
	Name    string `json:"name"`
	N       int    `json:"n"`
}

type page struct {
	Data []counter `json:"data"`
}

func insert(ctx context.Context, host *hostfuncs.Host, name string) (counter, error) {
	return call[counter](ctx, host, abi.OpDataInsert, map[string]any{"table": "counters", "body": map[string]any{"name": name, "n": 0}})
}

// increment reads a counter and writes it back.
func increment(ctx context.Context, host *hostfuncs.Host, id string) (counter, error) {
	c, err := call[counter](ctx, host, abi.OpDataGet, abi.GetRequest{Table: "counters", ID: id})
	if err != nil {
		return c, err
	}
	return call[counter](ctx, host, abi.OpDataPatch, map[string]any{"table": "counters", "id": id, "body": map[string]any{"n": c.N + 1}})
}

// counters reads what is stored.
func (b *bench) counters() map[string]int {
	b.Helper()
	access, err := b.db.Access(b.Context(), b.ws.ID)
	must(b.T, err)
	unit := b.units.Begin(b.ws.ID, store.Scope{Plugin: b.in.Plugin, Tables: manifest.Tables, ReadOnly: true, AuthEpoch: access.Epoch})
	docs, _, err := unit.Query(b.Context(), abi.QueryRequest{Table: "counters", Limit: 200})
	must(b.T, err)
	got := map[string]int{}
	for _, doc := range docs {
		var c counter
		must(b.T, json.Unmarshal(doc.Body, &c))
		got[c.Name] = c.N
	}
	return got
}

// seed stores a counter.
func (b *bench) seed(name string) string {
	b.Helper()
	access, err := b.db.Access(b.Context(), b.ws.ID)
	must(b.T, err)
	unit := b.units.Begin(b.ws.ID, store.Scope{Plugin: b.in.Plugin, Installation: b.in.ID, Tables: manifest.Tables, Now: noon, AuthEpoch: access.Epoch})
	doc, err := unit.Insert(b.Context(), "counters", fmt.Appendf(nil, `{"name":%q,"n":0}`, name))
	must(b.T, err)
	_, err = unit.Commit(b.Context())
	must(b.T, err)
	return string(doc.ID)
}

// recorder keeps the log of invocations.
type recorder struct {
	mu   sync.Mutex
	list []core.InvocationRecord
}

func (r *recorder) Record(one core.InvocationRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, one)
}

func (r *recorder) last() core.InvocationRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == 0 {
		return core.InvocationRecord{}
	}
	return r.list[len(r.list)-1]
}

func (r *recorder) all() []core.InvocationRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]core.InvocationRecord(nil), r.list...)
}

type views struct{ db *sqlite.DB }

func (v views) View(ctx context.Context, ws core.WorkspaceID) (dispatch.View, error) {
	access, err := v.db.Access(ctx, ws)
	plan := starter
	if access.Workspace.Plan != "starter" {
		plan = core.Plan{ID: access.Workspace.Plan, Title: "Empty"}
	}
	return dispatch.View{Access: access, Plan: plan, Manifests: releases}, err
}

type units struct{ store *store.Store }

func (u units) Begin(ws core.WorkspaceID, scope dispatch.Scope) dispatch.Unit {
	return unit{u.store.Begin(ws, store.Scope(scope))}
}

type unit struct{ *store.Unit }

func (u unit) Commit(ctx context.Context) (bool, error) {
	done, err := u.Unit.Commit(ctx)
	return done.Deliveries, err
}
