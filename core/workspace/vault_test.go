package workspace_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/workspace"
)

// installed is the shop's one installation, as it is stored.
func (s *shop) installed(t *testing.T) core.Installation {
	t.Helper()
	a, err := s.db.Access(t.Context(), s.w.ID)
	if err != nil {
		t.Fatal(err)
	}
	return a.Installations[0]
}

// secret opens a secret setting of it.
func (s *shop) secret(t *testing.T, path ...string) string {
	t.Helper()
	text, err := s.vault.Secret(s.installed(t), path...)
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

// put changes what is stored, as a server without keys did.
func (s *shop) put(t *testing.T, settings string) {
	t.Helper()
	in := s.installed(t)
	in.Settings, in.Revision = json.RawMessage(settings), in.Revision+1
	if err := s.db.Change(t.Context(), s.w.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.PutInstallation{Installation: in}}, nil
	}); err != nil {
		t.Fatal(err)
	}
}

// keyring makes keys of files, the last of which seals.
func keyring(t *testing.T, files ...string) secret.Keys {
	t.Helper()
	var all []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(text, all...)
	}
	joined := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(joined, all, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := secret.Read(joined)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func keyFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret.key")
	if _, err := secret.Create(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// Settings of a time before there were keys are sealed, and those sealed with an
// earlier key are sealed anew; what is sealed already stays as it is.
func TestRenew(t *testing.T) {
	s := newShop(t, "everything")
	first, second := keyFile(t), keyFile(t)
	s.with(keyring(t, first))
	s.install(t, mail)
	s.put(t, `{"from":"ada@example.com","rate":7,"password":"canary-secret","smtp":{"key":"canary-key","host":"h"}}`)

	renew := func(sealed int) {
		t.Helper()
		r, err := s.Renew(t.Context())
		if err != nil || r.Sealed != sealed || len(r.Left) != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		if now := string(s.installed(t).Settings); strings.Contains(now, "canary") || !strings.Contains(now, `"rate":7`) {
			t.Fatalf("stored %s", now)
		}
		if s.secret(t, "password") != "canary-secret" || s.secret(t, "smtp", "key") != "canary-key" {
			t.Fatal("a secret was lost")
		}
	}
	renew(1)
	renew(0)
	s.with(keyring(t, first, second))
	renew(1)
	s.with(keyring(t, second))
	renew(0)

	// A key that is gone loses nothing: it is named, and putting it back helps.
	s.with(keyring(t, first))
	before := string(s.installed(t).Settings)
	r, err := s.Renew(t.Context())
	if err != nil || r.Sealed != 0 || len(r.Left) != 1 || !strings.Contains(r.Left[0].Error(), keyring(t, second).ID()) {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = s.Configure(t.Context(), s.w.ID, s.actor, "mail", workspace.ConfigureRequest{Settings: json.RawMessage(`{"rate": 8}`)})
	wantKind(t, err, core.Unavailable)
	if now := string(s.installed(t).Settings); now != before {
		t.Errorf("it was %s and is %s", before, now)
	}
	s.with(keyring(t, second))
	renew(0)
	// Or the secrets are set again, which needs no old key.
	s.with(keyring(t, first))
	if _, err := s.Configure(t.Context(), s.w.ID, s.actor, "mail", workspace.ConfigureRequest{
		Settings: json.RawMessage(`{"password": "canary-secret", "smtp": {"key": "canary-key"}}`),
	}); err != nil {
		t.Fatal(err)
	}
	renew(0)
}

// A release that is lost does not say which settings are secret: they are left,
// which is said, and are not changed by anybody until it is back.
func TestRenewWithoutTheRelease(t *testing.T) {
	s := newShop(t, "everything")
	s.install(t, mail)
	in := s.installed(t)
	in.Digest, in.Revision = "sha256:gone", in.Revision+1
	if err := s.db.Change(t.Context(), s.w.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.PutInstallation{Installation: in}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	r, err := s.Renew(t.Context())
	if err != nil || r.Sealed != 0 || len(r.Left) != 1 || !strings.Contains(core.MessageOf(r.Left[0]), "Publish it again") {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = s.Configure(t.Context(), s.w.ID, s.actor, "mail", workspace.ConfigureRequest{Settings: json.RawMessage(`{"rate": 8}`)})
	wantKind(t, err, core.Unavailable)
	if s.secret(t, "password") != "canary-secret" {
		t.Error("a secret was lost")
	}
}

// TestAttack63_ASealedSecretOpensInItsPlaceOnly: who can write the database, but
// has no key, can neither read a secret nor have the host use it elsewhere.
func TestAttack63_ASealedSecretOpensInItsPlaceOnly(t *testing.T) {
	s := newShop(t, "everything")
	s.install(t, mail)
	in := s.installed(t)
	sealed, _ := core.SealedSetting(in.Settings, "password")
	if sealed == "" || strings.Contains(sealed, "canary") {
		t.Fatalf("sealed as %q", sealed)
	}
	for name, c := range map[string]struct {
		change func(*core.Installation)
		path   []string
	}{
		"another workspace":    {func(in *core.Installation) { in.Workspace = core.NewWorkspaceID() }, []string{"password"}},
		"another installation": {func(in *core.Installation) { in.ID = core.NewInstallationID() }, []string{"password"}},
		"another setting": {func(in *core.Installation) {
			in.Settings = json.RawMessage(`{"smtp":{"key":{"$sealed":"` + sealed + `"}}}`)
		}, []string{"smtp", "key"}},
		"changed": {func(in *core.Installation) {
			in.Settings = json.RawMessage(strings.Replace(string(in.Settings), sealed, sealed[:len(sealed)-3]+"AAA", 1))
		}, []string{"password"}},
		"cut": {func(in *core.Installation) {
			in.Settings = json.RawMessage(strings.Replace(string(in.Settings), sealed, sealed[:30], 1))
		}, []string{"password"}},
	} {
		other := in
		c.change(&other)
		if text, err := s.vault.Secret(other, c.path...); text != "" || err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %q, %v", name, text.Reveal(), err)
		}
	}
	// Nor does an admin hand in what looks sealed.
	_, err := s.Configure(t.Context(), s.w.ID, s.actor, "mail", workspace.ConfigureRequest{
		Settings: json.RawMessage(`{"smtp": {"key": {"$sealed": "` + sealed + `"}}}`),
	})
	wantKind(t, err, core.Invalid)
	another := newShop(t, "everything")
	r := mail
	r.Settings = json.RawMessage(`{"from": "ada@example.com", "smtp": {"key": {"$sealed": "` + sealed + `"}}}`)
	_, err = another.Install(t.Context(), another.w.ID, another.actor, r)
	wantKind(t, err, core.Invalid)
}
