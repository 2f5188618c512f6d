package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	shared  = sync.OnceValues(func() (*Cluster, error) { started.Store(true); return NewCluster(false) })
	started atomic.Bool
	names   atomic.Int64
)

// Open returns the URL of a new, empty database, which is dropped when the test
// ends. All tests of a process share a cluster. Where there is no Postgres the
// test is skipped, though never in CI.
func Open(t testing.TB) string {
	t.Helper()
	cluster := there(t)(shared())
	name := fmt.Sprintf("test_%d", names.Add(1))
	if err := cluster.Create(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return cluster.URL(name)
}

// Chosen is Open for a test that runs on either store, when Postgres is the one it
// is to run on: CARREL_TEST_STORE says so. Otherwise it is empty: SQLite is.
func Chosen(t testing.TB) (url string) {
	t.Helper()
	switch store := os.Getenv("CARREL_TEST_STORE"); store {
	case "", "sqlite":
		return ""
	case "postgres":
		return Open(t)
	default:
		t.Fatalf("CARREL_TEST_STORE is %q; it can be sqlite or postgres", store)
		return ""
	}
}

// Folder returns the folder where the databases of Open are kept, after everything
// was written to it that is in memory.
func Folder(t testing.TB) string {
	t.Helper()
	cluster, err := shared()
	if err == nil {
		err = cluster.Checkpoint(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return cluster.data()
}

// OpenCluster returns a cluster of the test's own, which may be stopped, and ends
// with it. Where there is no Postgres it does what Open does.
func OpenCluster(t testing.TB) *Cluster {
	t.Helper()
	cluster := there(t)(NewCluster(false))
	t.Cleanup(func() {
		if err := cluster.Remove(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// there ends a test that has no cluster.
func there(t testing.TB) func(*Cluster, error) *Cluster {
	return func(cluster *Cluster, err error) *Cluster {
		t.Helper()
		if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return cluster
	}
}

// Main runs the tests of a package that uses Open, and ends their cluster.
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	if started.Load() {
		if cluster, err := shared(); err == nil {
			if err := cluster.Remove(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return max(code, 1)
			}
		}
	}
	return code
}
