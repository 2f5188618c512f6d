package storetest

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// model draws units of random steps and compares every answer, and what is
// there after each commit, with the model's.
func model(t *testing.T, b store.Backend) {
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		d := &desk{t, store.New(b), core.NewWorkspaceID()}
		committed := newState()
		g := &generator{rt, make(map[string][]core.DocumentID)}
		for range rapid.IntRange(1, 6).Draw(rt, "units") {
			u, m := d.store.Begin(d.ws, Scope()), committed.begin()
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				s := g.step(m)
				a, err := s.on(ctx, u)
				if bad := s.check(m, a); bad != nil {
					rt.Fatalf("%s: %v (%v)", s, bad, err)
				}
				if s.do == "insert" && a.kind == "" {
					g.known[s.table] = append(g.known[s.table], a.docs[0].ID)
				}
			}
			if rapid.IntRange(0, 4).Draw(rt, "drop") == 0 {
				continue
			}
			if _, err := u.Commit(ctx); err != nil {
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
}
