package postgres

import (
	"context"
	"fmt"
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
