package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/adapters/smtp/smtptest"
	"github.com/carrel-dev/carrel/core/abi"
)

// vaulted is a server in a process of its own, with a workspace whose probe
// sends mail through a server that asks for a password.
type vaulted struct {
	*process
	mails  *smtptest.Server
	person *person
}

const mailPassword = canary + "-password"

func newVaulted(t *testing.T) *vaulted {
	v := &vaulted{process: newProcess(t, "hostile/probe")}
	v.mails = smtptest.Start(t, smtptest.Options{Security: smtptest.STARTTLS, Username: "office", Password: mailPassword})
	roots := filepath.Join(t.TempDir(), "roots.pem")
	v.write(roots, v.mails.Certificate)
	v.args, v.env = []string{"--allow-private-mail"}, []string{"SSL_CERT_FILE=" + roots}
	v.kill()
	v.start()
	w := v.world()
	w.root = w.join("root", v.setup)
	As(w.root).Workspace("acme", "enterprise")
	v.person = w.root
	v.member().API("POST", "/installations", body{"plugin": "probe", "grants": v.member().asked("probe"), "settings": v.settings()}).want(201)
	return v
}

func (v *vaulted) settings() body {
	return body{"color": "red", "key": canary + "-key", "smtp": body{
		"host": smtptest.Host, "port": v.mails.Port, "username": "office", "password": mailPassword, "fromAddress": "office@example.com",
	}}
}

// member is the workspace's owner, asking the server that runs now.
func (v *vaulted) member() member {
	return As(v.person.at(v.world())).In("acme")
}

// at is the same person, asking another server.
func (p person) at(w *world) *person {
	p.w = w
	return &p
}

// send sends a mail and returns what the plugin is told.
func (v *vaulted) send() map[string]any {
	v.Helper()
	return v.member().Call("probe", "POST /act", body{"op": abi.OpMailSend, "request": body{
		"key": unique(), "to": "ada@example.org", "subject": "hello", "text": "hello",
	}}).want(200).object()
}

// sends fails the test unless mail is sent, signed in.
func (v *vaulted) sends() {
	v.Helper()
	if told := v.send(); told["status"] != 0.0 {
		v.Fatalf("told %v", told)
	}
	if got := v.mails.Next(v.T); got.User != "office" || got.From != "office@example.com" {
		v.Errorf("%+v", got)
	}
}

func (v *vaulted) write(file string, data []byte) {
	v.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		v.Fatal(err)
	}
}

// keyFile is where the server keeps its key.
func (v *vaulted) keyFile() string { return filepath.Join(v.dir, "secret.key") }

// found lists the server's files that hold a canary.
func (v *vaulted) found() (files []string) {
	v.Helper()
	seen := 0
	err := filepath.WalkDir(v.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(canary)) {
			files = append(files, path)
		}
		seen++
		return err
	})
	if err != nil || seen < 3 {
		v.Fatalf("%d files, %v", seen, err)
	}
	return files
}

// refused starts a server that must not start, and returns why it doesn't.
func (v *vaulted) refused() string {
	v.Helper()
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", v.dir}
	if v.db != "" {
		args = append(args, "--database-url", v.db)
	}
	within, cancel := context.WithTimeout(v.Context(), 2*time.Minute) // one that starts goes on for ever
	defer cancel()
	out, err := exec.CommandContext(within, v.carrel(), args...).CombinedOutput()
	if err == nil || within.Err() != nil {
		v.Fatalf("it started: %s", out)
	}
	return string(out)
}

// TestAttack63_APasswordIsInNoFile: what an admin sets as secret is used, and is
// in no file of the server, no answer and no line of its log: after a kill, too,
// when the database's log is as it was, and after it was changed.
func TestAttack63_APasswordIsInNoFile(t *testing.T) {
	aboutTheFile(t)
	v := newVaulted(t)
	v.sends()
	v.member().API("PATCH", "/installations/probe", body{"settings": body{"color": "blue"}}).want(200)
	v.sends() // the password is still there
	told := v.member().Call("probe", "POST /act", body{"op": abi.OpSettingsGet, "request": body{}}).want(200)
	seen := string(told.raw) + string(v.member().API("GET", "/installations/probe", nil).want(200).raw) + string(v.member().API("GET", "/audit", nil).want(200).raw)
	if strings.Contains(seen, canary) || !strings.Contains(seen, "blue") {
		t.Errorf("the canary is in %s", seen)
	}
	v.member().API("PATCH", "/installations/probe", body{"settings": body{"smtp": body{"password": canary + "-wrong"}}}).want(200)
	if told := v.send(); told["status"] != 1.0 || !strings.Contains(told["response"].(map[string]any)["message"].(string), "refused the user name and password with code 535") {
		t.Errorf("with a wrong password: %v", told)
	}
	v.member().API("PATCH", "/installations/probe", body{"settings": body{"smtp": body{"password": mailPassword}}}).want(200)
	v.sends()
	log := v.log
	v.kill()
	if files := v.found(); len(files) > 0 || strings.Contains(log.String(), canary) {
		t.Errorf("the canary is in %v, or in the log:\n%s", files, log)
	}
	v.start()
	v.sends()
}

// A key that is missing or another one is said before anything is changed, and
// loses nothing; a new one takes over from the one before it.
func TestAServerNeedsItsKey(t *testing.T) {
	v := newVaulted(t)
	v.kill()
	if info, err := os.Stat(v.keyFile()); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	old, err := os.ReadFile(v.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secret.Read(v.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(v.keyFile()); err != nil {
		t.Fatal(err)
	}
	if said := v.refused(); !strings.Contains(said, keys.ID()) || !strings.Contains(said, "is not there") || !strings.Contains(said, "--secret-key-file") {
		t.Errorf("without its key: %s", said)
	}
	if _, err := os.Stat(v.keyFile()); err == nil {
		t.Error("another key was made")
	}
	if _, err := secret.Create(v.keyFile()); err != nil {
		t.Fatal(err)
	}
	if said := v.refused(); !strings.Contains(said, keys.ID()) || !strings.Contains(said, "holds another") {
		t.Errorf("with another key: %s", said)
	}
	another, err := os.ReadFile(v.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	v.write(v.keyFile(), []byte("c2hvcnQ=\n"))
	if said := v.refused(); !strings.Contains(said, "openssl rand -base64 32") || strings.Contains(said, "c2hvcnQ") {
		t.Errorf("with something that is no key: %s", said)
	}
	v.write(v.keyFile(), old)
	v.start()
	v.sends()
	v.kill()
	v.write(v.keyFile(), append(another, old...))
	v.start()
	v.sends()
	v.kill()
	v.write(v.keyFile(), another)
	v.start()
	v.sends()
	v.kill()
	v.write(v.keyFile(), old)
	if said := v.refused(); !strings.Contains(said, "holds another") {
		t.Errorf("with the key of before: %s", said)
	}
}

// A key that is lost for good loses what it sealed and nothing else: the server
// begins anew with another one, says what it can't open, and takes secrets anew.
func TestAKeyIsLostForGood(t *testing.T) {
	v := newVaulted(t)
	v.kill()
	if err := os.Remove(v.keyFile()); err != nil {
		t.Fatal(err)
	}
	v.query("DELETE FROM secret_keys")
	for range 2 {
		v.start()
		if told := v.send(); told["status"] != 1.0 || told["response"].(map[string]any)["kind"] != "unavailable" {
			t.Errorf("told %v", told)
		}
		if in := v.member().API("GET", "/installations/probe", nil).want(200); !strings.Contains(string(in.raw), "red") {
			t.Errorf("the other settings are %s", in.raw)
		}
		v.kill()
		if !strings.Contains(v.log.String(), "could not be sealed") {
			t.Errorf("the log says %s", v.log)
		}
	}
	v.start()
	v.member().API("PATCH", "/installations/probe", body{"settings": body{"color": "blue"}}).want(503) // it can't be checked with the others
	v.member().API("PATCH", "/installations/probe", body{"settings": v.settings()}).want(200)
	v.sends()
}

// query changes the database of a server that is stopped.
func (v *vaulted) query(statement string, args ...any) {
	v.Helper()
	if v.db != "" {
		v.world().exec(statement, args...)
		return
	}
	// Where it overwrites a secret, it leaves it, as servers did.
	db, err := sql.Open("sqlite", filepath.Join(v.dir, "carrel.db")+"?_pragma=secure_delete(0)")
	if err != nil {
		v.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		v.Fatal(statement, err)
	}
}

// unseal makes the database one of a time before secrets were sealed.
func (v *vaulted) unseal() {
	v.Helper()
	plain, err := json.Marshal(v.settings())
	if err != nil {
		v.Fatal(err)
	}
	v.query("UPDATE installations SET settings = ?", `{"key":"`+strings.Repeat(canary, 2000)+`"}`) // pages that are free afterwards
	v.query("UPDATE installations SET settings = ?", string(plain))
	v.query("DELETE FROM secret_keys")
	if len(v.found()) == 0 {
		v.Fatal("there is nothing to seal")
	}
}

// A database of a time before secrets were sealed has none in the clear once the
// server has started: not in its rows, nor in what SQLite leaves behind.
func TestSecretsOfBeforeAreSealed(t *testing.T) {
	aboutTheFile(t)
	v := newVaulted(t)
	v.kill()
	v.unseal()
	if err := os.Remove(v.keyFile()); err != nil {
		t.Fatal(err)
	}
	v.start()
	v.kill()
	if files := v.found(); len(files) > 0 {
		t.Errorf("the canary is in %v", files)
	}
	v.start()
	v.sends()
}

// TestFault16_KilledWhileSealing: a start that is killed while it seals what was
// in the clear, at any point, loses no secret, and the next one ends the work.
func TestFault16_KilledWhileSealing(t *testing.T) {
	aboutTheFile(t)
	const workspaces = 20
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 16))
	t.Logf("seed %d", seed)
	v := newVaulted(t)
	for i := range workspaces {
		slug := As(v.person.at(v.world())).Workspace(fmt.Sprintf("other-%d", i), "enterprise")
		m := As(v.person.at(v.world())).In(slug)
		m.API("POST", "/installations", body{"plugin": "probe", "grants": m.asked("probe"), "settings": v.settings()}).want(201)
	}
	v.kill()
	began := time.Now()
	v.start()
	full := time.Since(began)
	v.kill()
	between := 0
	for range 12 {
		v.unseal()
		cmd := exec.Command(v.carrel(), "serve", "--addr", "127.0.0.1:0", "--data", v.dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(full/3 + time.Duration(random.Int64N(int64(full)))) // the kill's moment
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if n := v.sealed(); n > 0 && n <= workspaces {
			between++
		}
		v.start()
		v.kill()
		if files := v.found(); len(files) > 0 {
			t.Fatalf("the canary is in %v", files)
		}
		if n := v.sealed(); n != workspaces+1 {
			t.Fatalf("%d of %d are sealed", n, workspaces+1)
		}
	}
	t.Logf("%d of 12 kills were between the first and the last", between)
	v.start()
	v.sends()
}

// sealed counts the installations whose password is sealed.
func (v *vaulted) sealed() (n int) {
	v.Helper()
	db, err := sql.Open("sqlite", filepath.Join(v.dir, "carrel.db"))
	if err != nil {
		v.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT count(*) FROM installations WHERE settings ->> '$.smtp.password."$sealed"' LIKE 'v1.%'`).Scan(&n); err != nil {
		v.Fatal(err)
	}
	return n
}
