package storetest

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// model draws units of random steps and compares every answer, and what is
// there after each commit, with the model's. Some units assume unique keys to be
// free: one that is told what the model isn't is Changed by that and nothing else.
func model(t *testing.T, b store.Backend) {
	ctx := context.Background()
	wrong := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := &desk{t, store.New(b), core.NewWorkspaceID()}
		committed := newState()
		g := &generator{rt, make(map[string][]core.DocumentID)}
	units:
		for range rapid.IntRange(1, 6).Draw(rt, "units") {
			free := rapid.Bool().Draw(rt, "assume")
			u, m := d.store.Begin(d.ws, assuming(free)), committed.begin()
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				s := g.step(m)
				a, err := s.on(ctx, u)
				bad := s.check(m, a)
				if bad != nil && free {
					if kind := core.KindOf(u.Validate(ctx)); kind != core.Changed || !u.Assumed() {
						rt.Fatalf("%s: %v, and its unit is valid (%s)", s, bad, kind)
					}
					wrong++
					continue units
				}
				if bad != nil {
					rt.Fatalf("%s: %v (%v)", s, bad, err)
				}
				if s.do == "insert" && a.kind == "" {
					g.known[s.table] = append(g.known[s.table], a.docs[0].ID)
				}
			}
			if rapid.IntRange(0, 4).Draw(rt, "drop") == 0 {
				continue
			}
			_, err := u.Commit(ctx)
			if free && u.Assumed() { // a write was refused for one key, as the model says, and assumed of another
				continue
			}
			if err != nil {
				rt.Fatalf("commit: %v", err)
			}
			committed = m
			committed.written = nil
		}
		u := d.store.Begin(d.ws, Scope())
		for table, rows := range committed.tables {
			for id := range rows {
				s := step{do: "get", table: table, id: id}
				if a, err := s.on(ctx, u); err != nil || s.check(committed, a) != nil {
					rt.Fatalf("after the last commit, %s: %v %v", s, err, s.check(committed, a))
				}
			}
		}
	})
	if wrong == 0 {
		t.Error("no unit assumed anything that was wrong")
	}
}
