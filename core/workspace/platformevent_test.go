package workspace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/jsonschema"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/workspace"
)

// listen puts an installation that receives events, behind the services' backs.
func (s *shop) listen(t *testing.T, patterns ...string) core.Installation {
	t.Helper()
	in := core.Installation{
		ID: core.NewInstallationID(), Workspace: s.w.ID, Plugin: core.PluginID{Publisher: "acme", Name: "watch"}, Alias: "watch",
		Version: "1.0.0", Digest: "sha256:watch", State: core.InstallationEnabled, Revision: 1, Created: epoch, Updated: epoch,
		Grants: []core.Grant{{Capability: abi.CapabilityEvents, Events: patterns}},
	}
	if err := s.db.Change(t.Context(), s.w.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.PutInstallation{Installation: in}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	return in
}

// What changes in a workspace is told to who listens to it, with the change and
// as it is declared; what was refused is not told.
func TestPlatformEvents(t *testing.T) {
	s := newShop(t, "everything")
	watch := s.listen(t, "core.*")
	elsewhere := newShopIn(t, s)
	elsewhere.listen(t, "core.*")
	bob := s.person(t, "bob")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.AddMember(t.Context(), s.w.ID, s.actor, bob.Email, core.RoleMember))
	must(s.SetRole(t.Context(), s.w.ID, s.actor, bob.ID, core.RoleAdmin))
	must(nil, s.RemoveMember(t.Context(), s.w.ID, s.actor, bob.ID))
	name := "New"
	must(s.Update(t.Context(), s.w.ID, s.actor, workspace.UpdateRequest{Name: &name}))
	in := s.install(t, crm)
	must(s.Configure(t.Context(), s.w.ID, s.actor, "crm", workspace.ConfigureRequest{State: core.InstallationDisabled}))
	must(s.Uninstall(t.Context(), s.w.ID, s.actor, "crm", workspace.UninstallRequest{Data: workspace.DataErase}))
	for name, refused := range map[string]func() error{
		"a member twice": func() error {
			_, err := s.AddMember(t.Context(), s.w.ID, s.actor, s.ada.Email, core.RoleMember)
			return err
		},
		"the last owner": func() error { return s.RemoveMember(t.Context(), s.w.ID, s.actor, s.ada.ID) },
		"an old revision": func() error {
			_, err := s.Configure(t.Context(), s.w.ID, s.actor, "watch", workspace.ConfigureRequest{State: core.InstallationDisabled, Revision: 7})
			return err
		},
	} {
		if err := refused(); err == nil {
			t.Errorf("%s is allowed", name)
		}
	}

	events, err := s.past.Events(t.Context(), s.w.ID, "", "", 50)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(events)
	id := string(in.ID)
	want := []string{
		"core.member.added " + string(bob.ID) + " bob@example.com", "core.member.role_changed " + string(bob.ID) + " admin member", "core.member.removed " + string(bob.ID),
		"core.workspace.updated New", "core.plugin.installed " + id + " carrel/crm 1.1.0", "core.plugin.changed " + id + " disabled", "core.plugin.removed " + id + " erase",
	}
	if len(events) != len(want) {
		t.Fatalf("events: %+v", events)
	}
	declared := map[string]abi.EventType{}
	for _, e := range core.PlatformEvents() {
		declared[e.Type] = e
	}
	var schemas jsonschema.Events
	for i, e := range events {
		words := strings.Fields(want[i])
		if e.Type != words[0] || e.Version != 1 || e.Source != "/core" || e.Hop != 0 {
			t.Errorf("%+v, want %s", e, want[i])
		}
		for _, word := range append(words[1:], string(s.ada.ID)) {
			if !strings.Contains(string(e.Data), fmt.Sprintf("%q", word)) {
				t.Errorf("%s of %s lacks %s", e.Data, e.Type, word)
			}
		}
		if err := schemas.CheckEvent(declared[e.Type].Schema, e.Data); err != nil {
			t.Errorf("%s of %s does not fit %s: %v", e.Data, e.Type, declared[e.Type].Schema, err)
		}
		deliveries, err := s.past.DeliveriesOf(t.Context(), s.w.ID, []core.EventID{e.ID})
		if err != nil || len(deliveries) != 1 || deliveries[0].Install != watch.ID || deliveries[0].State != core.DeliveryPending {
			t.Errorf("%s is delivered to %+v, %v", e.Type, deliveries, err)
		}
	}
	if events, err := s.past.Events(t.Context(), elsewhere.w.ID, "", "", 50); err != nil || len(events) != 0 {
		t.Errorf("another workspace is told: %+v, %v", events, err)
	}
	select {
	case <-s.db.Resumed():
	default:
		t.Error("nobody was told that there is something to deliver")
	}
}
