package postgres

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync/atomic"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/storetest"
)

// openDurable opens a database whose commits are flushed to disk.
func openDurable(b *testing.B) *DB {
	cluster, err := pgtest.NewCluster(true)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := cluster.Remove(); err != nil {
			b.Error(err)
		}
	})
	db, err := Open(b.Context(), cluster.URL("postgres"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() }) //nolint:errcheck // before the cluster
	return db
}

// BenchmarkCommit measures units of one document with six index entries, from 16
// callers at once, in one workspace and in as many as callers.
func BenchmarkCommit(b *testing.B) {
	for _, spread := range []int{1, 16} {
		b.Run(fmt.Sprintf("workspaces=%d", spread), func(b *testing.B) {
			s := store.New(openDurable(b).Documents())
			workspaces := make([]core.WorkspaceID, spread)
			for i := range workspaces {
				workspaces[i] = core.NewWorkspaceID()
			}
			var n atomic.Int64
			b.SetParallelism(8) // times GOMAXPROCS, about
			b.ResetTimer()      // the database was made before
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					u := s.Begin(workspaces[i%int64(spread)], storetest.Scope())
					if _, err := u.Insert(context.Background(), "deals", fmt.Appendf(nil, `{"title":"T","amount":%d}`, i)); err != nil {
						b.Fatal(err)
					}
					if _, err := u.Commit(context.Background()); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "units/s")
		})
	}
}

// BenchmarkWhoIsAsking measures what a request begins and ends with, from 16 callers
// at once: a token, a membership, and whether that is so still; of one person in one
// workspace, and of as many as callers.
func BenchmarkWhoIsAsking(b *testing.B) {
	db := openDurable(b)
	ctx := context.Background()
	const callers = 16
	var people [callers]core.AccountID
	var workspaces [callers]core.Workspace
	var epoch int64
	for i := range callers {
		people[i] = core.NewAccountID()
		a := core.Account{ID: people[i], Email: string(people[i]) + "@example.com", Created: storetest.Scope().Now}
		w := core.Workspace{ID: core.NewWorkspaceID(), Name: "W", Plan: "starter", Created: a.Created}
		w.Slug = string(w.ID[3:])
		workspaces[i] = w
		contract := core.Contract{ID: core.NewContractID(), Workspace: w.ID, Plan: w.Plan, Began: w.Created}
		token := core.Token{Hash: [32]byte{byte(i)}, ID: core.NewTokenID(), Account: a.ID, Name: "CI", Created: a.Created}
		if err := errors.Join(db.CreateAccount(ctx, a), db.CreateWorkspace(ctx, w, a.ID, contract, core.AuditEntry{Time: a.Created}),
			db.CreateToken(ctx, token)); err != nil {
			b.Fatal(err)
		}
		access, err := db.Access(ctx, w.ID)
		if err != nil {
			b.Fatal(err)
		}
		epoch = access.Epoch // all are made in the same way
	}
	for _, spread := range []int{1, callers} {
		b.Run(fmt.Sprintf("people=%d", spread), func(b *testing.B) {
			var n atomic.Int64
			b.SetParallelism(callers / goruntime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				i := int(n.Add(1)) % spread
				for pb.Next() {
					_, who, err := db.TokenByHash(ctx, [32]byte{byte(i)})
					if err != nil || who.ID != people[i] {
						b.Error(who.ID, err)
					}
					w, _, err := db.Membership(ctx, workspaces[i].Slug, who.ID)
					if err != nil || w.ID != workspaces[i].ID {
						b.Error(w.ID, err)
					}
					if err := db.Documents().Validate(ctx, w.ID, epoch, nil); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkGet measures a document read by its id, recorded.
func BenchmarkGet(b *testing.B) {
	s, ws, doc := filled(b)
	for b.Loop() {
		if _, err := s.Begin(ws, storetest.Scope()).Get(context.Background(), "contacts", doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQuery measures a page of 50 documents by a compound index.
func BenchmarkQuery(b *testing.B) {
	s, ws, _ := filled(b)
	q := abi.QueryRequest{
		Table: "contacts", Sort: []string{"-age"},
		Filter: []abi.Filter{{Field: "stage", Op: "eq", Value: []byte(`"lead"`)}},
	}
	for b.Loop() {
		docs, _, err := s.Begin(ws, storetest.Scope()).Query(context.Background(), q)
		if err != nil || len(docs) != 50 {
			b.Fatal(len(docs), err)
		}
	}
}

func filled(b *testing.B) (s *store.Store, ws core.WorkspaceID, some core.DocumentID) {
	s, ws = store.New(openDurable(b).Documents()), core.NewWorkspaceID()
	u := s.Begin(ws, storetest.Scope())
	for i := range 1_000 {
		doc, err := u.Insert(b.Context(), "contacts", fmt.Appendf(nil, `{"name":"Contact %d","email":"c%d@example.com","age":%d,"stage":"lead"}`, i, i, i%90))
		if err != nil {
			b.Fatal(err)
		}
		some = doc.ID
	}
	if _, err := u.Commit(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s, ws, some
}
