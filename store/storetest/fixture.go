package storetest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
)

// Plugin is the plugin whose tables the suite uses.
var Plugin = core.PluginID{Publisher: "acme", Name: "crm"}

// Tables are the suite's tables. Between them they have every indexable type,
// every way an index is declared, and each kind of reference.
var Tables = []abi.Table{
	{
		Name: "companies",
		Fields: []abi.Field{
			{Name: "name", Type: abi.TypeString, Required: true, Unique: true},
			{Name: "size", Type: abi.TypeInt, Index: true},
		},
	},
	{
		Name: "contacts",
		Fields: []abi.Field{
			{Name: "email", Type: abi.TypeEmail, Unique: true},
			{Name: "name", Type: abi.TypeString, Required: true, Max: 2000, Index: true},
			{Name: "stage", Type: abi.TypeString, Enum: []string{"lead", "customer", "lost"}, Default: json.RawMessage(`"lead"`)},
			{Name: "age", Type: abi.TypeInt},
			{Name: "score", Type: abi.TypeFloat},
			{Name: "vip", Type: abi.TypeBool},
			{Name: "born", Type: abi.TypeDate},
			{Name: "seen", Type: abi.TypeTime, Index: true},
			{Name: "balance", Type: abi.TypeMoney, Index: true},
			{Name: "site", Type: abi.TypeURL},
			{Name: "notes", Type: abi.TypeText},
			{Name: "tags", Type: abi.TypeArray, Max: 3},
			{Name: "extra", Type: abi.TypeJSON},
			{Name: "company", Type: abi.TypeID, Ref: "companies", OnDelete: "clear"},
			{Name: "boss", Type: abi.TypeID, Ref: "contacts"},
		},
		Indexes: []abi.Index{
			{Name: "by_stage_age", Fields: []string{"stage", "age"}},
			{Name: "by_vip_score", Fields: []string{"vip", "score"}},
			{Name: "one_of_a_day", Fields: []string{"name", "born"}, Unique: true},
		},
	},
	{
		Name: "deals",
		Fields: []abi.Field{
			{Name: "title", Type: abi.TypeString, Required: true},
			{Name: "contact", Type: abi.TypeID, Ref: "contacts", OnDelete: "cascade"},
			{Name: "company", Type: abi.TypeID, Ref: "companies", OnDelete: "restrict"},
			{Name: "amount", Type: abi.TypeInt},
		},
		Indexes: []abi.Index{{Name: "by_company_amount", Fields: []string{"company", "amount"}}},
	},
}

// Scope is the scope the suite's units have.
func Scope() store.Scope { return store.Scope{Plugin: Plugin, Tables: Tables} }

// assuming is Scope, of a unit that may assume unique keys to be free.
func assuming(free bool) store.Scope {
	scope := Scope()
	scope.AssumeFree = free
	return scope
}

// desk is a workspace under test.
type desk struct {
	t     testing.TB
	store *store.Store
	ws    core.WorkspaceID
}

func newDesk(t testing.TB, b store.Backend) *desk {
	t.Helper()
	return &desk{t, store.New(b), core.NewWorkspaceID()}
}

func (d *desk) begin() *unit { return &unit{d.t, d.store.Begin(d.ws, Scope())} }

// assume begins a unit that assumes unique keys to be free.
func (d *desk) assume() *unit { return &unit{d.t, d.store.Begin(d.ws, assuming(true))} }

// committed runs fn in a unit that must commit.
func (d *desk) committed(fn func(u *unit)) store.Committed {
	d.t.Helper()
	u := d.begin()
	fn(u)
	return u.commit()
}

// insert commits one document.
func (d *desk) insert(table, body string) core.Document {
	d.t.Helper()
	var doc core.Document
	d.committed(func(u *unit) { doc = u.insert(table, body) })
	return doc
}

// again runs fn in units until one commits, and returns how many did not.
func (d *desk) again(fn func(u *store.Unit) error) (reruns int, err error) {
	for {
		u := d.store.Begin(d.ws, Scope())
		if err = fn(u); err == nil {
			_, err = u.Commit(context.Background())
		} else if bad := u.Validate(context.Background()); bad != nil {
			err = bad
		}
		if core.KindOf(err) != core.Changed {
			return reruns, err
		}
		reruns++
	}
}

// unit is a store.Unit whose operations must succeed.
type unit struct {
	t testing.TB
	*store.Unit
}

func (u *unit) must(err error) {
	u.t.Helper()
	if err != nil {
		u.t.Fatal(err)
	}
}

func (u *unit) insert(table, body string) core.Document {
	u.t.Helper()
	doc, err := u.Insert(context.Background(), table, json.RawMessage(body))
	u.must(err)
	return doc
}

func (u *unit) get(table string, id core.DocumentID) core.Document {
	u.t.Helper()
	doc, err := u.Get(context.Background(), table, id)
	u.must(err)
	return doc
}

func (u *unit) patch(table string, id core.DocumentID, body string) core.Document {
	u.t.Helper()
	doc, err := u.Patch(context.Background(), table, id, json.RawMessage(body), 0)
	u.must(err)
	return doc
}

func (u *unit) delete(table string, id core.DocumentID) {
	u.t.Helper()
	u.must(u.Delete(context.Background(), table, id, 0))
}

func (u *unit) query(q abi.QueryRequest) []core.Document {
	u.t.Helper()
	docs, _, err := u.Query(context.Background(), q)
	u.must(err)
	return docs
}

func (u *unit) count(table string, filters ...abi.Filter) int {
	u.t.Helper()
	n, capped, err := u.Count(context.Background(), table, filters)
	u.must(err)
	if capped {
		u.t.Fatal("the count is capped")
	}
	return n
}

func (u *unit) commit() store.Committed {
	u.t.Helper()
	c, err := u.Commit(context.Background())
	u.must(err)
	return c
}

// where is a filter with a value as JSON.
func where(field, op string, value any) abi.Filter {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return abi.Filter{Field: field, Op: op, Value: raw}
}

// wants fails the test unless err is of a kind.
func wants(t testing.TB, err error, kind core.Kind) {
	t.Helper()
	if core.KindOf(err) != kind {
		t.Fatalf("got %v, want an error of kind %s", err, kind)
	}
}

// wantsAt fails the test unless err is of a kind and has a violation at a
// location. It returns the violation's message.
func wantsAt(t testing.TB, err error, kind core.Kind, location string) string {
	t.Helper()
	wants(t, err, kind)
	for _, v := range core.ViolationsOf(err) {
		if v.Location == location {
			return v.Message
		}
	}
	t.Fatalf("%v names %v, want %s", err, core.ViolationsOf(err), location)
	return ""
}

// field reads one field of a document's body.
func field(t testing.TB, doc core.Document, name string) any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(doc.Body, &members); err != nil {
		t.Fatal(err)
	}
	return members[name]
}
