package storetest

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// asking is a Backend that counts what it is asked before a commit.
type asking struct {
	store.Backend
	asked atomic.Int64
}

func (a *asking) Ask(ctx context.Context, ws core.WorkspaceID, q store.Question) (store.Answer, store.Moment, error) {
	a.asked.Add(1)
	return a.Backend.Ask(ctx, ws, q)
}

// assumed: a unit that assumes unique keys to be free asks nothing, commits what
// one that asks would have committed, and is Changed by its assumption alone
// where the other would have been told otherwise.
func assumed(t *testing.T, b store.Backend) {
	ctx := context.Background()
	const taken = `{"name":"N","email":"ann@a.b"}`
	for _, c := range []struct {
		name  string
		do    func(w *world, u *unit)
		asks  int64
		wrong bool
	}{
		{"free keys", func(w *world, u *unit) {
			u.insert("contacts", `{"name":"N","email":"n@a.b","born":"2000-01-01"}`)
			u.patch("contacts", w.bea.ID, `{"email":"bea@a.b"}`)
		}, 0, false},
		{"a taken key", func(w *world, u *unit) { u.insert("contacts", taken) }, 0, true},
		{"a taken key of two fields", func(w *world, u *unit) {
			w.committed(func(u *unit) { u.insert("contacts", `{"name":"Di","born":"2000-01-01"}`) })
			u.insert("contacts", `{"name":"Di","born":"2000-01-01"}`)
		}, 0, true},
		{"a patch to a taken key", func(w *world, u *unit) { u.patch("contacts", w.bea.ID, `{"email":"ann@a.b"}`) }, 0, true},
		{"a taken key among free ones", func(w *world, u *unit) {
			u.insert("contacts", `{"name":"A","email":"a@a.b"}`)
			u.insert("contacts", taken)
			u.insert("contacts", `{"name":"B","email":"b@a.b"}`)
		}, 0, true},
		{"a taken key, given up again", func(w *world, u *unit) {
			doc := u.insert("contacts", taken)
			u.patch("contacts", doc.ID, `{"email":"n@a.b"}`)
		}, 0, true},
		{"a taken key of a document that goes again", func(w *world, u *unit) {
			doc := u.insert("contacts", taken)
			u.delete("contacts", doc.ID)
		}, 0, true},
		{"a taken key whose holder goes afterwards", func(w *world, u *unit) {
			u.insert("contacts", taken)
			u.delete("contacts", w.ann.ID)
		}, 0, true},
		{"a taken key whose holder gives it up afterwards", func(w *world, u *unit) {
			u.insert("contacts", taken)
			u.patch("contacts", w.ann.ID, `{"email":null}`)
		}, 0, true},
		{"a key of a document that went before", func(w *world, u *unit) {
			u.delete("contacts", w.ann.ID)
			u.insert("contacts", taken)
		}, 1, false},
		{"a key given up before", func(w *world, u *unit) {
			u.patch("contacts", w.ann.ID, `{"email":"other@a.b"}`)
			u.insert("contacts", taken)
		}, 1, false},
		{"a key given up and taken back", func(w *world, u *unit) {
			u.patch("contacts", w.ann.ID, `{"email":"other@a.b"}`)
			u.patch("contacts", w.ann.ID, `{"email":"ann@a.b"}`)
		}, 1, false},
		{"a key that was taken and became free", func(w *world, u *unit) {
			u.insert("contacts", taken)
			w.committed(func(u *unit) { u.patch("contacts", w.ann.ID, `{"email":null}`) })
		}, 0, false},
		{"a key that was free and was taken", func(w *world, u *unit) {
			u.insert("contacts", `{"name":"N","email":"n@a.b"}`)
			w.committed(func(u *unit) { u.insert("contacts", `{"name":"M","email":"n@a.b"}`) })
		}, 0, true},
		{"a key the unit itself has taken", func(w *world, u *unit) {
			u.insert("contacts", `{"name":"N","email":"n@a.b"}`)
			_, err := u.Insert(ctx, "contacts", json.RawMessage(`{"name":"M","email":"n@a.b"}`))
			wantsAt(u.t, err, core.Exists, "body.email")
		}, 0, false},
		{"a key that a document it changed still has", func(w *world, u *unit) {
			u.patch("contacts", w.ann.ID, `{"age":11}`)
			_, err := u.Insert(ctx, "contacts", json.RawMessage(taken))
			wantsAt(u.t, err, core.Exists, "body.email")
		}, 0, false},
		{"a key that another workspace has", func(w *world, u *unit) {
			newDesk(u.t, b).insert("contacts", `{"name":"M","email":"n@a.b"}`)
			u.insert("contacts", `{"name":"N","email":"n@a.b"}`)
		}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, validated := range []bool{false, true} { // or committed
				w, counted := newWorld(t, b), &asking{Backend: b}
				u := &unit{t, store.New(counted).Begin(w.ws, assuming(true))}
				c.do(w, u)
				if asked := counted.asked.Load(); asked != c.asks {
					t.Errorf("it asked %d times, want %d", asked, c.asks)
				}
				var err error
				if validated {
					err = u.Validate(ctx)
				}
				if !validated || !c.wrong {
					_, err = u.Commit(ctx)
				}
				if !c.wrong {
					u.must(err)
					continue
				}
				wants(t, err, core.Changed)
				if !u.Assumed() || u.ConflictKey() == "" {
					t.Errorf("the cause is no assumption, or has no key: %v", err)
				}
				if n := w.begin().count("contacts", where("name", "eq", "N")); n != 0 {
					t.Error("it wrote something")
				}
			}
		})
	}

	// What had become true of something else is not the assumption's doing.
	w := newWorld(t, b)
	u := w.assume()
	u.insert("contacts", `{"name":"N","email":"n@a.b"}`)
	u.get("contacts", w.bea.ID)
	w.committed(func(u *unit) { u.patch("contacts", w.bea.ID, `{"age":21}`) })
	_, err := u.Commit(ctx)
	wants(t, err, core.Changed)
	if u.Assumed() {
		t.Error("a document that has changed passes for an assumption")
	}

	// A unit that is refused for another reason may have come to it by the assumption.
	u = w.assume()
	u.insert("contacts", taken)
	for range store.MaxChanges + 1 {
		u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.things", Quantity: 1, Limit: -1})
	}
	_, err = u.Commit(ctx)
	if wants(t, err, core.Changed); !u.Assumed() {
		t.Errorf("the cause is no assumption: %v", err)
	}

	// The unit that asks is told who has the key.
	_, err = w.begin().Insert(ctx, "contacts", json.RawMessage(taken))
	if got := wantsAt(t, err, core.Exists, "body.email"); !strings.Contains(got, string(w.ann.ID)) {
		t.Errorf("%q doesn't name the other document", got)
	}
}
