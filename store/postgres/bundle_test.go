package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

// TestAGroupIsAsIfOneByOne commits the same units in two workspaces: in one they
// share a transaction, in the other each has its own, in the same order. All were
// begun before the first was committed, and many of them are in each other's way.
// Each must end the same, and leave the same.
func TestAGroupIsAsIfOneByOne(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	db := openTest(t)
	const units = 12
	together, ended := 0, map[core.Kind]int{}
	for round := range 40 {
		steps := make([]groupStep, units)
		for i := range steps {
			steps[i] = randomStep(random, i)
		}
		grouped, single := newGroupDesk(t, db), newGroupDesk(t, db)
		grouped.begin(steps)
		single.begin(steps)

		groups, writes := db.Groups()
		release := busy(t, db, grouped.ws)
		results := make([]chan error, units)
		for i, u := range grouped.units {
			results[i] = make(chan error, 1)
			go func() {
				_, err := u.Commit(context.Background())
				results[i] <- err
			}()
			db.committer.queued(grouped.ws, i) // the first is taken at once, on its own
		}
		release()
		for i, result := range results {
			got := <-result
			_, want := single.units[i].Commit(t.Context())
			if core.KindOf(got) != core.KindOf(want) || grouped.message(got) != single.message(want) {
				t.Errorf("round %d, unit %d (%v): in a group %v, on its own %v", round, i, steps[i], got, want)
			}
			ended[core.KindOf(want)]++
			if want == nil {
				writes++ // of single
				groups++
			}
		}
		g, w := db.Groups()
		if g-groups < w-writes {
			together++
		}
		if got, want := grouped.left(), single.left(); !slices.Equal(got, want) {
			t.Errorf("round %d: a group left\n%v\nand one by one\n%v\nof %v", round, got, want, steps)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d rounds had units that shared a transaction; units ended %v", together, ended)
	if together < 30 || ended[core.Changed] == 0 || ended[core.QuotaExceeded] == 0 || ended[core.Stale] == 0 {
		t.Error("the rounds are too tame")
	}
}

// groupStep is what one unit does.
type groupStep struct {
	what   string
	n      int // which of the shared things
	unique string
}

func randomStep(random *rand.Rand, i int) groupStep {
	kinds := []string{"insert", "insert", "insert", "take", "take", "patch", "delete", "count", "use", "use", "answer", "tell", "complete", "complete", "configure", "job"}
	kind := kinds[random.IntN(len(kinds))]
	if kind == "configure" && random.IntN(4) > 0 { // makes all that follow stale
		kind = "insert"
	}
	return groupStep{kind, random.IntN(3), fmt.Sprint("Name ", random.IntN(6), map[bool]string{true: fmt.Sprint(" of ", i)}[random.IntN(3) > 0])}
}

// groupDesk is a workspace with a few things to fight over.
type groupDesk struct {
	t         *testing.T
	db        *DB
	ws        core.WorkspaceID
	contacts  []core.Document
	running   []core.Delivery
	units     []*store.Unit
	documents *store.Store
}

const groupInstall = core.InstallationID("ins_group")

func newGroupDesk(t *testing.T, db *DB) *groupDesk {
	d := &groupDesk{t: t, db: db, ws: core.NewWorkspaceID(), documents: store.New(db.Documents())}
	ctx, now := t.Context(), time.Unix(1_000_000_000, 0)
	u := d.documents.Begin(d.ws, storetest.Scope())
	for i := range 3 {
		doc, err := u.Insert(ctx, "contacts", fmt.Appendf(nil, `{"name":"Contact %d","email":"c%d@example.com"}`, i, i))
		if err != nil {
			t.Fatal(err)
		}
		d.contacts = append(d.contacts, doc)
		u.Add(core.PutDelivery{Delivery: core.Delivery{
			ID: core.NewDeliveryID(), Workspace: d.ws, Install: groupInstall, Event: core.NewEventID(), Handler: "h", Due: now, Created: now, Hop: 1}})
	}
	if _, err := u.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a workspace's are claimed one at a time
		claimed, err := db.ClaimDeliveries(ctx, now, now.Add(time.Hour), "", nil, 1, 1)
		if err != nil || len(claimed) != 1 || claimed[0].Workspace != d.ws {
			t.Fatalf("claimed %v, %v", claimed, err)
		}
		d.running = append(d.running, claimed[0])
	}
	return d
}

// begin makes the units, each after the same state.
func (d *groupDesk) begin(steps []groupStep) {
	ctx, at := d.t.Context(), time.Unix(2_000_000_000, 0)
	for i, step := range steps {
		scope := storetest.Scope()
		scope.AssumeFree = step.what == "take"
		u := d.documents.Begin(d.ws, scope)
		var err error
		switch step.what {
		case "insert":
			_, err = u.Insert(ctx, "companies", fmt.Appendf(nil, `{"name":%q,"size":%d}`, step.unique, i))
		case "take": // an address that somebody has, or had, or is about to have
			_, err = u.Insert(ctx, "contacts", fmt.Appendf(nil, `{"name":"Taker %d","email":%q}`, i, d.address(step)))
		case "patch":
			_, err = u.Patch(ctx, "contacts", d.contacts[step.n].ID, fmt.Appendf(nil, `{"email":"by%d@example.com"}`, i%4), 0)
		case "delete":
			err = u.Delete(ctx, "contacts", d.contacts[step.n].ID, 0)
		case "count":
			var n int
			n, _, err = u.Count(ctx, []string{"companies", "contacts", "deals"}[step.n], nil)
			if err == nil {
				_, err = u.Insert(ctx, "deals", fmt.Appendf(nil, `{"title":"Counted %d","contact":%q}`, n, d.contacts[step.n].ID))
			}
		case "use":
			u.Add(core.AddUsage{Install: groupInstall, Meter: "crm.things", Quantity: int64(1 + step.n), Limit: 4})
		case "answer":
			_, _, err = u.Receipt(ctx, "scope", fmt.Sprint(step.n))
			u.Add(core.PutReceipt{Receipt: core.Receipt{Scope: "scope", Key: fmt.Sprint(step.n), Answer: fmt.Appendf(nil, "%d", i), Created: at}})
		case "tell":
			event := core.Event{ID: core.EventID(fmt.Sprintf("evt_%d", i)), Type: "crm.thing.done", Version: 1, Source: "/crm", Data: []byte(`{}`), Hop: 1, Time: at}
			u.Add(core.AppendEvent{Event: event})
			u.Add(core.PutDelivery{Delivery: core.Delivery{
				ID: core.NewDeliveryID(), Install: groupInstall, Event: event.ID, Handler: "h", Due: at, Created: at, Hop: 1}})
		case "complete":
			u.Add(core.CompleteDelivery{ID: d.running[step.n].ID, Attempt: 1})
			_, err = u.Insert(ctx, "companies", fmt.Appendf(nil, `{"name":"Completed by %d"}`, i))
		case "configure":
			u.Add(core.PutContract{Contract: core.Contract{Workspace: d.ws, ID: core.NewContractID(), Plan: "free", Began: at}})
		case "job":
			u.Add(core.PutDelivery{Delivery: core.Delivery{ID: core.NewDeliveryID(), Install: groupInstall, Handler: "h", Due: at, Created: at, Hop: 1}})
		}
		if err != nil {
			d.t.Fatal(step, err)
		}
		d.units = append(d.units, u)
	}
}

// address is a contact's, or one that contacts are given.
func (d *groupDesk) address(step groupStep) string {
	if step.unique[len(step.unique)-1]%2 == 0 {
		return fmt.Sprintf("c%d@example.com", step.n)
	}
	return fmt.Sprintf("by%d@example.com", step.n)
}

// message is an error's, without a delivery's own name.
func (d *groupDesk) message(err error) string {
	message := core.MessageOf(err)
	for i, delivery := range d.running {
		message = strings.ReplaceAll(message, string(delivery.ID), fmt.Sprint("delivery ", i))
	}
	return message
}

// left is what there is in the end, without what is given out at random.
func (d *groupDesk) left() (lines []string) {
	ctx := d.t.Context()
	at := store.Moment{}
	if err := d.db.read(ctx, "test", d.ws, func(b *batch) { b.head(d.ws, &at) }); err != nil {
		d.t.Fatal(err)
	}
	scope := storetest.Scope()
	scope.AuthEpoch = at.AuthEpoch
	u := d.documents.Begin(d.ws, scope)
	for _, table := range []string{"companies", "contacts", "deals"} {
		docs, _, err := u.Query(ctx, abi.QueryRequest{Table: table, Limit: 100})
		if err != nil {
			d.t.Fatal(err)
		}
		for _, doc := range docs {
			var body map[string]any
			if err := json.Unmarshal(doc.Body, &body); err != nil {
				d.t.Fatal(err)
			}
			delete(body, "contact")
			lines = append(lines, fmt.Sprint(table, doc.Version, body))
		}
	}
	slices.Sort(lines)
	for _, key := range []string{"0", "1", "2"} {
		r, found, err := u.Receipt(ctx, "scope", key)
		lines = append(lines, fmt.Sprint("receipt ", string(r.Answer), found, err))
	}
	sum, err := u.Usage(ctx, "crm.things")
	lines = append(lines, fmt.Sprint("used ", sum, err, at))
	for _, table := range []string{"entries", "unique_entries"} {
		var n int
		err := d.db.read(ctx, "test", d.ws, func(b *batch) {
			b.row(func(s scanner) error { return s.Scan(&n) }, "SELECT count(*) FROM "+table+" WHERE "+inWorkspace, d.ws)
		})
		lines = append(lines, fmt.Sprint(table, n, err))
	}
	var states []string
	err = d.db.read(ctx, "test", d.ws, func(b *batch) {
		states = nil
		b.rows(func(s scanner) error {
			var line string
			err := s.Scan(&line)
			states = append(states, line)
			return err
		}, "SELECT state || CASE WHEN event LIKE 'evt\\__' OR event LIKE 'evt\\___' THEN event ELSE '' END FROM deliveries WHERE "+inWorkspace+" ORDER BY 1", d.ws)
	})
	return append(lines, fmt.Sprint(states, err))
}

// That a key is free is proven by taking it, unless that proves nothing, or costs much
// when it fails.
func TestWhatTakingAKeyProves(t *testing.T) {
	key, other := store.Entry{Index: 1, Key: "a"}, store.Entry{Index: 1, Key: "b"}
	free := []store.Observation{{Question: store.HolderOf(key), Answer: core.DocumentID(""), Seq: store.Assumed}}
	takes := func(e store.Entry) store.Write {
		return store.Write{Document: core.Document{ID: "doc_new", Body: []byte("{}")}, Hold: []store.Entry{e}}
	}
	gives := store.Write{Base: 1, Document: core.Document{ID: "doc_old", Body: []byte("{}")}, Release: []store.Entry{key}}
	large := takes(key)
	large.Document.Body = make([]byte, maxProof+1)
	for name, c := range map[string]struct {
		units  []store.Batch
		asking bool
		proves bool
	}{
		"a key that is taken":                 {units: []store.Batch{{Seen: free, Writes: []store.Write{takes(key)}}}, proves: true},
		"one that nobody takes":               {units: []store.Batch{{Seen: free}}},
		"another":                             {units: []store.Batch{{Seen: free, Writes: []store.Write{takes(other)}}}},
		"one that is given up before":         {units: []store.Batch{{Seen: free, Writes: []store.Write{gives, takes(key)}}}},
		"one that another unit gives up":      {units: []store.Batch{{Seen: free, Writes: []store.Write{takes(key)}}, {Writes: []store.Write{gives}}}},
		"one that another unit takes":         {units: []store.Batch{{Seen: free}, {Writes: []store.Write{takes(key)}}}, proves: true},
		"one that had a holder":               {units: []store.Batch{{Seen: []store.Observation{{Question: store.HolderOf(key), Answer: core.DocumentID("doc_old")}}, Writes: []store.Write{takes(key)}}}},
		"one that is taken with a large body": {units: []store.Batch{{Seen: free, Writes: []store.Write{large}}}},
		"one that somebody was found to have": {units: []store.Batch{{Seen: free, Writes: []store.Write{takes(key)}}}, asking: true},
	} {
		t.Run(name, func(t *testing.T) {
			u, b := &bundle{ws: "ws_test"}, within("ws_test")
			b.asking = c.asking
			for i := range c.units {
				if !u.take(&pending{unit: &c.units[i]}) {
					t.Fatal("the units are no bundle")
				}
			}
			if err := b.commit(u, 0); err != nil {
				t.Fatal(err)
			}
			asks := slices.ContainsFunc(b.queue.QueuedQueries, func(q *pgx.QueuedQuery) bool { return strings.Contains(q.SQL, "e.id FROM unique_entries") })
			if asks == c.proves || c.proves != (len(b.taken) == 1) {
				t.Errorf("it asks: %t; errors of constraints: %v", asks, b.taken)
			}
		})
	}
}
