package workspace_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/workspace"
)

func TestSecretSettings(t *testing.T) {
	s := newShop(t, "everything")
	installed := s.install(t, mail)
	stored := func() string {
		a, err := s.db.Access(t.Context(), s.w.ID)
		if err != nil {
			t.Fatal(err)
		}
		return string(a.Installations[0].Settings)
	}
	configure := func(patch string) workspace.Installed {
		t.Helper()
		in, err := s.Configure(t.Context(), s.w.ID, s.actor, "mail", workspace.ConfigureRequest{Settings: json.RawMessage(patch)})
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	changed := configure(`{"rate": 5}`)
	got, _, err := s.Get(t.Context(), s.w.ID, s.actor, "mail")
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Installations.List(t.Context(), s.w.ID, s.actor)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]workspace.Installed{"install": installed, "configure": changed, "get": got, "list": list[0]} {
		if out := string(in.Settings); strings.Contains(out, "canary") || !strings.Contains(out, "ada@example.com") {
			t.Errorf("%s shows %s", name, out)
		}
		if !slices.Equal(in.Secrets, []string{"password", "smtp.key"}) {
			t.Errorf("%s says that %v are set", name, in.Secrets)
		}
	}
	if now := stored(); strings.Contains(now, "canary") || !strings.Contains(now, `"rate":5`) {
		t.Errorf("stored %s", now)
	}
	if s.secret(t, "password") != "canary-secret" || s.secret(t, "smtp", "key") != "canary-key" {
		t.Error("left out, a secret must stay")
	}
	changed = configure(`{"password": null, "smtp": {"key": "other"}}`)
	if now := stored(); strings.Contains(now, "other") || !strings.Contains(now, `"host":"h"`) {
		t.Errorf("stored %s", now)
	}
	if s.secret(t, "password") != "" || s.secret(t, "smtp", "key") != "other" {
		t.Error("a secret must be removed, and another one changed")
	}
	if !slices.Equal(changed.Secrets, []string{"smtp.key"}) {
		t.Errorf("set: %v", changed.Secrets)
	}
}

// TestAttack51_APasswordGoesToNoOtherServer: an admin who cannot read the password
// of the mail server cannot have it sent to one of their own, either.
func TestAttack51_APasswordGoesToNoOtherServer(t *testing.T) {
	s := newShop(t, "everything")
	s.install(t, workspace.InstallRequest{
		Plugin: "carrel/post", Grants: []core.Grant{{Capability: abi.CapabilityMail}},
		Settings: json.RawMessage(`{"smtp": {"host": "smtp.example.com", "port": 587, "password": "canary-secret"}}`),
	})
	configure := func(patch string) error {
		_, err := s.Configure(t.Context(), s.w.ID, s.actor, "post", workspace.ConfigureRequest{Settings: json.RawMessage(patch)})
		return err
	}
	for _, patch := range []string{`{"smtp": {"host": "evil.example"}}`, `{"smtp": {"host": null}}`, `{"smtp": {"host": "evil.example", "port": 465}}`} {
		err := configure(patch)
		if v := core.ViolationsOf(err); len(v) != 1 || v[0].Location != "settings.smtp.password" {
			t.Errorf("%s: %v", patch, err)
		}
	}
	for _, patch := range []string{
		`{"smtp": {"host": "SMTP.example.com", "port": 465}}`, `{"smtp": {"host": "smtp.example.org", "password": "another"}}`,
		`{"smtp": {"host": "smtp.example.com", "password": null}}`, `{"smtp": {"host": "evil.example"}}`, `{"smtp": null}`,
	} {
		if err := configure(patch); err != nil {
			t.Errorf("%s: %v", patch, err)
		}
	}
}

func TestConfigure(t *testing.T) {
	s := newShop(t, "everything")
	s.install(t, mail)
	configure := func(r workspace.ConfigureRequest) (workspace.Installed, error) {
		return s.Configure(t.Context(), s.w.ID, s.actor, "mail", r)
	}
	in, err := configure(workspace.ConfigureRequest{State: core.InstallationDisabled, Revision: 1})
	if err != nil || in.State != core.InstallationDisabled || in.Revision != 2 {
		t.Fatalf("disabled: %+v, %v", in, err)
	}
	_, err = configure(workspace.ConfigureRequest{State: core.InstallationEnabled, Revision: 1})
	wantKind(t, err, core.Stale)
	for _, r := range []workspace.ConfigureRequest{
		{State: "paused"}, {Settings: json.RawMessage(`[]`)}, {Settings: json.RawMessage(`{`)}, {Settings: json.RawMessage(`{"rate": "many"}`)}, {Settings: json.RawMessage(`{"from": null}`)},
	} {
		if _, err := configure(r); core.KindOf(err) != core.Invalid {
			t.Errorf("%+v: %v", r, err)
		}
	}
	kinds := together(6, func(i int) error {
		_, err := configure(workspace.ConfigureRequest{Settings: json.RawMessage(fmt.Sprintf(`{"rate": %d}`, i)), Revision: 2})
		return err
	})
	if kinds[""] != 1 || kinds[core.Stale] != 5 {
		t.Errorf("six changes of one revision: %v", kinds)
	}
	// A plan without the plugin: it can't be enabled, but it can be disabled.
	if err := s.db.Change(t.Context(), s.w.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.PutContract{Contract: core.Contract{ID: core.NewContractID(), Plan: "starter", Began: epoch}}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	_, err = configure(workspace.ConfigureRequest{State: core.InstallationEnabled})
	wantKind(t, err, core.Denied)
	got, _, err := s.Get(t.Context(), s.w.ID, s.actor, "mail")
	if err != nil || got.Included {
		t.Errorf("included: %v, %v", got.Included, err)
	}
}
