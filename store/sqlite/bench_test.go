package sqlite

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

// BenchmarkCommit measures units of one document with six index entries, from
// one caller and from 16 at once, who share fsyncs.
func BenchmarkCommit(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db := openTest(b)
			s := store.New(db.Documents())
			ws := core.NewWorkspaceID()
			var n atomic.Int64
			groups, writes := db.Groups()
			used := processor(b)
			b.SetParallelism(max(1, callers/2)) // times GOMAXPROCS, about
			body := func(b interface{ Fatal(...any) }) {
				u := s.Begin(ws, storetest.Scope())
				if _, err := u.Insert(context.Background(), "deals", fmt.Appendf(nil, `{"title":"T","amount":%d}`, n.Add(1))); err != nil {
					b.Fatal(err)
				}
				if _, err := u.Commit(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			if callers == 1 {
				for b.Loop() {
					body(b)
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						body(b)
					}
				})
			}
			g, w := db.Groups()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "units/s")
			b.ReportMetric(float64(w-writes)/float64(g-groups), "units/fsync")
			b.ReportMetric(float64((processor(b)-used).Microseconds())/float64(b.N), "cpu-µs/unit")
		})
	}
}

// processor is the time of processors that this process has used. The disk's is
// not in it, and that of others on the machine is little.
func processor(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkGet measures a document read by its id, recorded.
func BenchmarkGet(b *testing.B) {
	s, ws, doc := benchStore(b)
	for b.Loop() {
		if _, err := s.Begin(ws, storetest.Scope()).Get(context.Background(), "contacts", doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQuery measures a page of 50 documents by a compound index.
func BenchmarkQuery(b *testing.B) {
	s, ws, _ := benchStore(b)
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

// BenchmarkInvocations measures a full batch of records of calls.
func BenchmarkInvocations(b *testing.B) {
	db := openTest(b)
	w := core.Workspace{ID: core.NewWorkspaceID(), Slug: "acme", Name: "Acme", TimeZone: "UTC", Locale: "en", Home: "local", Created: time.Now()}
	owner := core.Account{ID: core.NewAccountID(), Email: "ada@example.com", Name: "Ada", Created: time.Now()}
	if err := db.CreateAccount(b.Context(), owner); err != nil {
		b.Fatal(err)
	}
	if err := db.CreateWorkspace(b.Context(), w, owner.ID, core.Contract{ID: "con_1", Workspace: w.ID, Plan: "free", Began: time.Now()}, core.AuditEntry{}); err != nil {
		b.Fatal(err)
	}
	records := make([]core.InvocationRecord, 256)
	for b.Loop() {
		for i := range records {
			records[i] = core.InvocationRecord{
				ID: core.NewInvocationID(), Workspace: w.ID, Install: core.NewInstallationID(), Handler: "POST /receipt", Kind: abi.KindQuery,
				Trigger: abi.TriggerRequest, Outcome: core.OutcomeOK, Runs: 1, Fuel: 40_000, Duration: 50 * time.Microsecond, Started: time.Now(),
				Request: core.NewRequestID(),
			}
		}
		if err := db.WriteInvocations(b.Context(), records); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(records)), "µs/record")
}

func benchStore(b *testing.B) (s *store.Store, ws core.WorkspaceID, some core.DocumentID) {
	s, ws = store.New(openTest(b).Documents()), core.NewWorkspaceID()
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
