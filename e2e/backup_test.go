package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/carrel-dev/carrel/store/archive"
)

// run runs a command of carrel on the process's data.
func (p *process) run(args ...string) (string, error) {
	cmd := exec.Command(p.carrel(), append(args, "--data", p.dir)...)
	if p.db != "" {
		cmd.Args = append(cmd.Args, "--database-url", p.db)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// backup backs the data up, while the server runs.
func (p *process) backup() (file string) {
	p.Helper()
	file = filepath.Join(p.TempDir(), "backup.tar")
	if out, err := p.run("backup", "-o", file); err != nil {
		p.Fatalf("backup: %v\n%s", err, out)
	}
	return file
}

// elsewhere is an empty place in a data folder, whatever the database was. The key is
// there, and the compiled modules, as compiling takes longer than a call may.
func (p *process) elsewhere() *process {
	p.Helper()
	there := &process{T: p.T, dir: p.TempDir(), args: p.args, env: p.env}
	key, err := os.ReadFile(filepath.Join(p.dir, "secret.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(there.dir, "secret.key"), key, 0o600)
	}
	if err == nil {
		err = os.Symlink(filepath.Join(p.dir, "cache"), filepath.Join(there.dir, "cache"))
	}
	if err != nil {
		p.Fatal(err)
	}
	return there
}

// TestFault22_ABackupDuringWritesIsOneMoment: while people write, a backup has all
// that was acknowledged before it began, nothing by half, and nothing without what
// came before it; and nobody's write waits for it or fails.
func TestFault22_ABackupDuringWritesIsOneMoment(t *testing.T) {
	p := newProcess(t, "crm")
	alice := p.world().join("alice", p.setup)
	const writers = 4
	var adders [writers]*adder
	for i := range adders {
		workspace := As(alice).Workspace(fmt.Sprintf("Acme%d", i), "enterprise")
		As(alice).In(workspace).Install("crm")
		adders[i] = &adder{member: As(alice).In(workspace), prefix: "contact"}
	}
	var acknowledged [writers]atomic.Int64
	var stop atomic.Bool
	var all sync.WaitGroup
	for i, a := range adders {
		all.Go(func() {
			for !stop.Load() {
				a.add()
				acknowledged[i].Store(int64(len(a.acknowledged)))
			}
		})
	}
	defer all.Wait()
	defer stop.Store(true)
	for range 3 {
		var before, after [writers]int64
		for i := range before {
			before[i] = acknowledged[i].Load()
		}
		file := p.backup()
		for i := range after {
			if after[i] = acknowledged[i].Load(); after[i] == before[i] {
				t.Errorf("nothing was written in workspace %d during the backup", i)
			}
		}
		there := p.elsewhere()
		if out, err := there.run("restore", file); err != nil {
			t.Fatalf("restore: %v\n%s", err, out)
		}
		there.start()
		t.Cleanup(there.end)
		for i, a := range adders {
			restored := adder{member: As(alice.at(there.world())).In(a.workspace)}
			n := restored.prefixOf(a.prefix)
			if int64(n) < before[i] || int64(n) > after[i]+1 { // one may not have been answered yet
				t.Errorf("workspace %d has %d contacts; %d were acknowledged before the backup and %d after it", i, n, before[i], after[i])
			}
		}
		there.kill()
	}
}

// prefixOf wants the workspace to have the first so many contacts that an adder
// adds, each once, with its event and its usage, and returns how many.
func (c *adder) prefixOf(prefix string) int {
	c.w.Helper()
	there, announced := map[string]int{}, map[string]int{}
	for _, contact := range c.all("crm", "/contacts") {
		there[contact["email"].(string)]++
	}
	for _, event := range c.all("", "/events") {
		if event["type"] == "crm.contact.created" {
			announced[event["data"].(map[string]any)["email"].(string)]++
		}
	}
	for i := range len(there) {
		if email := fmt.Sprintf("%s%d@example.com", prefix, i); there[email] != 1 || announced[email] != 1 {
			c.w.Errorf("of %d contacts %s is there %d times, and announced %d times", len(there), email, there[email], announced[email])
		}
	}
	if len(announced) != len(there) {
		c.w.Errorf("%d contacts, and %d announced", len(there), len(announced))
	}
	for _, u := range c.API("GET", "/usage", nil).want(200).list("data") {
		if meter := u.(map[string]any); meter["meter"] == "crm.contacts" && meter["quantity"] != float64(len(there)) {
			c.w.Errorf("usage is %v, want %d contacts", meter, len(there))
		}
	}
	return len(there)
}

// TestAttack63_ABackupOpensNoSecret: no secret setting and no key is in a backup, in
// the clear or decoded. Without the key it is refused, and nothing was changed; with
// it the secrets are used again.
func TestAttack63_ABackupOpensNoSecret(t *testing.T) {
	v := newVaulted(t)
	v.sends()
	file := v.backup()
	key, err := os.ReadFile(v.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(key)), "\n")
	held := contentOf(t, file)
	for _, secret := range []string{canary + "-key", mailPassword, lines[len(lines)-1]} {
		if strings.Contains(held, secret) {
			t.Errorf("the backup holds %q", secret)
		}
	}
	if !strings.Contains(held, "$sealed") {
		t.Error("the backup has no sealed secret, so this test shows nothing")
	}
	there := v.elsewhere()
	if err := os.Rename(filepath.Join(there.dir, "secret.key"), filepath.Join(there.dir, "kept")); err != nil {
		t.Fatal(err)
	}
	if out, err := there.run("restore", file); err == nil || !strings.Contains(out, "--secret-key-file") || !strings.Contains(out, "Nothing was changed.") {
		t.Errorf("without the key: %v, %s", err, out)
	}
	if left, err := os.ReadDir(there.dir); err != nil || len(left) != 2 {
		t.Errorf("beside cache and kept there are %v, %v", left, err)
	}
	if out, err := there.run("restore", file, "--secret-key-file", filepath.Join(there.dir, "kept")); err != nil {
		t.Fatalf("with the key: %v, %s", err, out)
	}
	v.kill()
	there.args = append(there.args, "--secret-key-file", filepath.Join(there.dir, "kept"))
	there.start()
	t.Cleanup(there.end)
	restored := *v
	restored.process = there
	restored.sends()
}

// contentOf is all that is in an archive, as it comes and decoded.
func contentOf(t *testing.T, file string) string {
	t.Helper()
	all := &bytes.Buffer{}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all.Write(raw)
	r, err := archive.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, table := range archive.Tables {
		if err := r.Rows(t.Context(), table, func(row archive.Row) error {
			for _, value := range row {
				fmt.Fprintf(all, "%s\n", value)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Files("", func(_ string, content io.Reader) error { _, err := io.Copy(all, content); return err }); err != nil {
		t.Fatal(err)
	}
	return all.String()
}
