package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/storetest"
)

// TestFault04_TheDatabaseIsGone: while Postgres is down every call fails soon, as
// Unavailable; when it is back they go on without a restart; and each commit that
// was acknowledged is there, whenever the crash came.
func TestFault04_TheDatabaseIsGone(t *testing.T) {
	const writers, rounds = 8, 3
	cluster := pgtest.OpenCluster(t)
	db, err := Open(t.Context(), cluster.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // before the cluster
	s := store.New(db.Documents())
	workspaces := make([]core.WorkspaceID, writers)
	for i := range workspaces {
		workspaces[i] = core.NewWorkspaceID()
	}
	insert := func(ws core.WorkspaceID) (core.DocumentID, error) {
		u := s.Begin(ws, storetest.Scope())
		doc, err := u.Insert(context.Background(), "deals", []byte(`{"title":"Kept"}`))
		if err != nil {
			return "", err
		}
		_, err = u.Commit(context.Background())
		return doc.ID, err
	}

	acknowledged := make([][]core.DocumentID, writers)
	for range rounds {
		stop, some := make(chan struct{}), make(chan struct{}, writers)
		var wait sync.WaitGroup
		for i, ws := range workspaces {
			wait.Go(func() {
				for n := 0; ; {
					select {
					case <-stop:
						return
					default:
					}
					id, err := insert(ws)
					switch core.KindOf(err) {
					case "":
						acknowledged[i] = append(acknowledged[i], id)
						if n++; n == 20 {
							some <- struct{}{}
						}
					case core.Unavailable:
					default:
						t.Errorf("a commit while the database goes: %v", err)
						return
					}
				}
			})
		}
		for range writers {
			<-some
		}
		if err := cluster.Stop(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := insert(workspaces[0]); core.KindOf(err) != core.Unavailable {
			t.Errorf("a commit without a database: %v", err)
		}
		if took := time.Since(began); took > commitTime/2 {
			t.Errorf("it took %v to find out", took)
		}
		if core.KindOf(db.Ping(t.Context())) != core.Unavailable {
			t.Error("the database is gone, and answers")
		}
		close(stop)
		wait.Wait()
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := insert(workspaces[0]); err != nil {
			t.Errorf("a commit when the database is back: %v", err)
		}
	}
	total := 0
	for i, ws := range workspaces {
		for _, id := range acknowledged[i] {
			total++
			if _, err := s.Begin(ws, storetest.Scope()).Get(t.Context(), "deals", id); err != nil {
				t.Fatalf("acknowledged, and lost: %s: %v", id, err)
			}
		}
	}
	t.Logf("%d acknowledged commits around %d crashes are there", total, rounds)
	if n := db.Acquired(); n != 0 {
		t.Errorf("%d connections are still in use", n)
	}
}

// TestTwoNodesStartAtOnce on an empty database, and one of them makes the tables.
func TestTwoNodesStartAtOnce(t *testing.T) {
	url := pgtest.Open(t)
	const nodes = 4
	results := make(chan error, nodes)
	for range nodes {
		go func() {
			db, err := Open(context.Background(), url)
			if err == nil {
				err = db.Close()
			}
			results <- err
		}()
	}
	for range nodes {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// TestFault16_AMigrationThatIsRefusedLeavesNothing of itself, is not taken for a
// database that is down, and is done when what was in its way is gone.
func TestFault16_AMigrationThatIsRefusedLeavesNothing(t *testing.T) {
	url := pgtest.Open(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // the test ends
	do := func(statement string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE SCHEMA carrel")
	do("CREATE TABLE carrel.receipts (other int)") // which is made in the middle of its change
	_, err = Open(t.Context(), url)
	if core.KindOf(err) != core.Internal || !strings.Contains(core.MessageOf(err), `relation "receipts" already exists`) {
		t.Errorf("with a table in the way: %v: %s", err, core.MessageOf(err))
	}
	var left bool
	if err := conn.QueryRow(t.Context(), "SELECT to_regclass('carrel.documents') IS NOT NULL").Scan(&left); err != nil || left {
		t.Errorf("tables made before the refusal are there: %v, %v", left, err)
	}
	do("DROP TABLE carrel.receipts")
	openURL(t, url)
}

// TestAUserWithoutRolesIsToldWhatToGrant and needs no more than that.
func TestAUserWithoutRolesIsToldWhatToGrant(t *testing.T) {
	openTest(t) // which makes the roles: they are of the whole cluster
	url := pgtest.Open(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // the test ends
	do := func(statement string) {
		t.Helper()
		if _, err := conn.Exec(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE ROLE newcomer LOGIN")
	defer do("DROP OWNED BY newcomer CASCADE; DROP ROLE newcomer")
	do("GRANT CREATE ON DATABASE " + pgx.Identifier{conn.Config().Database}.Sanitize() + " TO newcomer")
	as := strings.Replace(url, "user=postgres", "user=newcomer", 1)

	grant := "GRANT carrel_tenant, carrel_platform, carrel_backup TO \"newcomer\""
	_, err = Open(t.Context(), as)
	if core.KindOf(err) != core.Denied || !strings.Contains(core.MessageOf(err), grant) {
		t.Fatalf("without the roles: %v: %s", err, core.MessageOf(err))
	}
	do(grant)
	db, err := Open(t.Context(), as)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// TestBadAddressesAreRefused without a word of the password.
func TestBadAddressesAreRefused(t *testing.T) {
	for url, kind := range map[string]core.Kind{
		"postgres://me:hunter2@127.0.0.1:1/none?connect_timeout=2":           core.Unavailable,
		"postgres://me:hunter2@127.0.0.1:port/none":                          core.Invalid,
		"postgres://me:two@hunter2/three@127.0.0.1:1/none?connect_timeout=2": core.Invalid,
		"mysql://me:hunter2@127.0.0.1/none":                                  core.Invalid,
		"postgres://me:hunter2@127.0.0.1/none?sslmode=whatever":              core.Invalid,
		fmt.Sprintf("postgres://me:hunter2@/none?host=%s", t.TempDir()):      core.Unavailable,
	} {
		_, err := Open(t.Context(), url)
		if core.KindOf(err) != kind {
			t.Errorf("%s: %v, want %s", url, err, kind)
		}
		if said := core.MessageOf(err) + fmt.Sprint(err); err != nil && containsSecret(said) {
			t.Errorf("%s: the error gives the password away: %s", url, said)
		}
	}
}

func containsSecret(text string) bool { return strings.Contains(text, "hunter2") }
