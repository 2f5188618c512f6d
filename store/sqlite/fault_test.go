package sqlite

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

// crashFolder, when set, makes TestFault01 the process that is killed.
const crashFolder = "CARREL_TEST_CRASH_FOLDER"

const crashWorkspace core.WorkspaceID = "ws_01a20bad-9dd4-702e-808c-f2a31f31a658"

// TestFault01_KilledInACommit kills a process that commits units as fast as it
// can, again and again. Afterwards each unit it acknowledged is there, whole,
// and of the others there is all or nothing.
func TestFault01_KilledInACommit(t *testing.T) {
	if dir := os.Getenv(crashFolder); dir != "" {
		commitUntilKilled(dir)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	acked := make(map[string]bool)
	const kills = 20
	unacked := 0
	for range kills {
		killAfter(t, dir, 1+rng.IntN(120), acked)
		unacked = inspect(t, dir, acked)
	}
	t.Logf("%d kills: %d units acknowledged, %d more committed before their acknowledgment", kills, len(acked), unacked)
	if len(acked) < kills {
		t.Errorf("only %d units were acknowledged", len(acked))
	}
}

// killAfter runs the committing process, kills it after so many
// acknowledgments, and notes all that came.
func killAfter(t *testing.T, dir string, acks int, acked map[string]bool) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestFault01_KilledInACommit$")
	child.Env = append(os.Environ(), crashFolder+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "committed "); ok {
			acked[name] = true
			if n++; n == acks {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != -1 {
		t.Fatalf("the process was not killed: %v", err)
	}
}

// commitUntilKilled commits units of three documents, two references, a unique
// value, a sum and a receipt, and acknowledges each on standard output.
func commitUntilKilled(dir string) {
	ctx := context.Background()
	db, err := Open(ctx, dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := store.New(db.Documents())
	var output sync.Mutex
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), caller, n)
				if err := commitOne(ctx, s, name); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				output.Lock()
				fmt.Println("committed " + name)
				output.Unlock()
			}
		})
	}
	wg.Wait()
}

func commitOne(ctx context.Context, s *store.Store, name string) error {
	u := s.Begin(crashWorkspace, storetest.Scope())
	company, err := u.Insert(ctx, "companies", fmt.Appendf(nil, `{"name":%q,"size":1}`, name))
	if err != nil {
		return err
	}
	contact, err := u.Insert(ctx, "contacts", fmt.Appendf(nil, `{"name":%q,"email":"%s@a.b","age":1,"company":%q}`, name, name, company.ID))
	if err != nil {
		return err
	}
	deal, err := u.Insert(ctx, "deals", fmt.Appendf(nil, `{"title":%q,"company":%q,"contact":%q}`, name, company.ID, contact.ID))
	if err != nil {
		return err
	}
	answer, err := json.Marshal([]core.DocumentID{company.ID, contact.ID, deal.ID})
	if err != nil {
		return err
	}
	u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.units", Quantity: 1, Limit: -1})
	u.Add(core.PutReceipt{Receipt: core.Receipt{Scope: "ins_1", Key: name, Answer: answer}})
	_, err = u.Commit(ctx)
	return err
}

// inspect opens what a killed process left, and returns how many units it had
// committed and not acknowledged.
func inspect(t *testing.T, dir string, acked map[string]bool) (unacked int) {
	t.Helper()
	ctx := t.Context()
	db, err := Open(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := store.New(db.Documents())
	units := 0
	each(t, db, "SELECT key, answer FROM receipts", func(scan func(...any) error) error {
		var name, answer string
		if err := scan(&name, &answer); err != nil {
			return err
		}
		units++
		if !acked[name] {
			unacked++
		}
		var ids []core.DocumentID
		if err := json.Unmarshal([]byte(answer), &ids); err != nil {
			return err
		}
		u := s.Begin(crashWorkspace, storetest.Scope())
		for i, table := range []string{"companies", "contacts", "deals"} {
			if doc, err := u.Get(ctx, table, ids[i]); err != nil || !strings.Contains(string(doc.Body), name) {
				t.Errorf("unit %s lacks its part of %s: %s %v", name, table, doc.Body, err)
			}
		}
		return nil
	})
	u := s.Begin(crashWorkspace, storetest.Scope())
	for name := range acked {
		if _, found, err := u.Receipt(ctx, "ins_1", name); err != nil || !found {
			t.Errorf("unit %s was acknowledged and is gone (%v)", name, err)
		}
	}
	if sum, err := u.Usage(ctx, "crm.units"); err != nil || sum != int64(units) {
		t.Errorf("%d units are metered as %d (%v)", units, sum, err)
	}
	if documents := checkEntries(t, db); documents != 3*units {
		t.Errorf("%d units left %d documents", units, documents)
	}
	if docs, _, err := u.Query(ctx, abi.QueryRequest{Table: "companies", Limit: 1}); units > 0 && (err != nil || len(docs) != 1) {
		t.Errorf("a query finds %d, %v", len(docs), err)
	}
	return unacked
}
