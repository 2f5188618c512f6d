package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
)

// done is a unit of a history: its steps, what each was answered, and the seq
// of its commit; 0 when it only read.
type done struct {
	steps   []step
	answers []answer
	seq     int64
}

// histories runs random small units at once over few documents and ranges.
// Commits are ordered by their seq, so whether the history is serialisable is
// checked exactly, by replaying it on the model in that order: every answer
// must come out the same, whether the unit asked for it or assumed it. A unit
// that only read must fit the state some commit left.
func histories(t *testing.T, b store.Backend) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const rounds, callers, each = 6, 8, 25
	wrong := 0 // units that had assumed what was not so
	for round := range rounds {
		d := newDesk(t, b)
		var start []core.DocumentID
		setup := done{}
		u := d.begin()
		for i := range 4 {
			s := step{do: "insert", table: "contacts", body: fmt.Appendf(nil, `{"name":"N%d","stage":"lead","age":%d}`, i, i)}
			a, err := s.on(context.Background(), u.Unit)
			u.must(err)
			start = append(start, a.docs[0].ID)
			setup.steps, setup.answers = append(setup.steps, s), append(setup.answers, a)
		}
		setup.seq = u.commit().Seq

		var mu sync.Mutex
		history, conflicts := []done{setup}, 0
		var wg sync.WaitGroup
		for caller := range callers {
			rng := rand.New(rand.NewPCG(seed, uint64(round*callers+caller)))
			wg.Go(func() {
				ids := slices.Clone(start)
				for range each {
					u := d.store.Begin(d.ws, assuming(rng.IntN(2) == 0))
					one, err := random(u, rng, &ids)
					mu.Lock()
					if err == nil {
						history = append(history, one)
					} else if u.Assumed() {
						wrong++
					} else if core.KindOf(err) == core.Changed {
						conflicts++
					} else {
						t.Error(err)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		replay(t, history)
		t.Logf("round %d: %d units committed or validated, %d conflicts", round, len(history), conflicts)
		if conflicts == 0 {
			t.Error("nothing conflicted: the units did not overlap")
		}
	}
	if t.Logf("%d assumptions were wrong", wrong); wrong == 0 {
		t.Error("no unit assumed anything that was wrong")
	}
}

// random takes random steps in a unit and commits it.
func random(u *store.Unit, rng *rand.Rand, ids *[]core.DocumentID) (done, error) {
	ctx := context.Background()
	var one done
	reading := rng.IntN(4) == 0
	for range 1 + rng.IntN(5) {
		s := randomStep(rng, *ids, reading)
		a, err := s.on(ctx, u)
		if a.kind == core.Changed || a.kind == core.Unavailable || a.kind == core.Internal {
			return one, err
		}
		one.steps, one.answers = append(one.steps, s), append(one.answers, a)
	}
	c, err := u.Commit(ctx)
	if err != nil {
		return one, err
	}
	one.seq = c.Seq
	for i, s := range one.steps {
		if s.do == "insert" && one.answers[i].kind == "" && len(*ids) < 8 {
			*ids = append(*ids, one.answers[i].docs[0].ID)
		}
	}
	return one, nil
}

func randomStep(rng *rand.Rand, ids []core.DocumentID, reading bool) step {
	id := ids[rng.IntN(len(ids))]
	stage := []string{"lead", "customer", "lost"}[rng.IntN(3)]
	age := rng.IntN(5)
	reads := []func() step{
		func() step { return step{do: "get", table: "contacts", id: id} },
		func() step {
			q := abi.QueryRequest{Table: "contacts", Filter: []abi.Filter{where("stage", "eq", stage), where("age", "gte",
				age)}, Sort: []string{"age", "createdAt"}, Limit: 200}
			return step{do: "query", table: "contacts", query: q}
		},
		func() step {
			return step{do: "query", table: "contacts", query: abi.QueryRequest{Table: "contacts", Sort: []string{"-createdAt"}, Limit: 200}}
		},
		func() step {
			return step{do: "count", table: "contacts", query: abi.QueryRequest{Filter: []abi.Filter{where("stage", "eq", stage)}}}
		},
		func() step { return step{do: "usage", table: "crm.a"} },
	}
	writes := []func() step{
		func() step {
			return step{do: "patch", table: "contacts", id: id, body: json.RawMessage(fmt.Sprintf(`{"stage":%q,"age":%d}`, stage, age))}
		},
		func() step {
			return step{do: "patch", table: "contacts", id: id, body: fmt.Appendf(nil, `{"email":"e%d@a.b"}`, rng.IntN(4))}
		},
		func() step {
			return step{do: "insert", table: "contacts", body: fmt.Appendf(nil,
				`{"name":"M","stage":%q,"age":%d,"boss":%q}`, stage, age, id)}
		},
		func() step { return step{do: "delete", table: "contacts", id: id} },
		func() step { return step{do: "add", table: "crm.a", ifVersion: 1} },
	}
	if reading || rng.IntN(2) == 0 {
		return reads[rng.IntN(len(reads))]()
	}
	return writes[rng.IntN(len(writes))]()
}

// replay checks that a history is what its units, one after another in the
// order of their seqs, would have been answered.
func replay(t *testing.T, history []done) {
	t.Helper()
	var readers []done
	history = slices.DeleteFunc(history, func(d done) bool {
		if d.seq == 0 {
			readers = append(readers, d)
		}
		return d.seq == 0
	})
	slices.SortFunc(history, func(a, b done) int { return int(a.seq - b.seq) })
	m := newState()
	for i, one := range history {
		if one.seq != int64(i+1) {
			t.Fatalf("commit %d has seq %d", i+1, one.seq)
		}
		m = m.begin()
		if err := one.against(m); err != nil {
			t.Fatalf("not serialisable: at seq %d %v", one.seq, err)
		}
		readers = slices.DeleteFunc(readers, func(d done) bool { return d.against(m.begin()) == nil })
	}
	for _, r := range readers {
		t.Errorf("a unit that only read was told what no moment was like: %v", r.steps)
	}
}

// against repeats a unit on the model, and says what comes out differently.
func (d done) against(m *state) error {
	for i, s := range d.steps {
		if err := s.check(m, d.answers[i]); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
