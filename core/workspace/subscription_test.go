package workspace_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/workspace"
)

// selling changes a release into one that emits events of a neutral domain and
// listens to another plugin's.
func selling(m *abi.Manifest) {
	m.Capabilities = []abi.CapabilityRequest{{Name: abi.CapabilityEvents, Reason: "tells of orders"}}
	m.Emits = []abi.EventType{{Type: m.Name + ".opened", Version: 1}, {Type: "order.paid", Version: 1}, {Type: "order.paid", Version: 2}}
	m.Listens = []abi.Listener{{Type: "payment.succeeded", Handler: "paid"}}
	m.Lifecycle = abi.Lifecycle{}
}

// What a plugin would be told of, and which domains it would hold, is shown
// before it is consented to; consent is to exactly that, and kept.
func TestConsentNamesEventsAndDomains(t *testing.T) {
	h := newShop(t, "everything")
	s, ada, acme := h.Installations, h.actor, h.w
	preview, err := s.Preview(t.Context(), acme.ID, ada, workspace.InstallRequest{Plugin: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	asked := preview.Capabilities[0]
	if !slices.Equal(asked.Events, []string{"payment.succeeded"}) || !slices.Equal(asked.Domains, []string{"order"}) {
		t.Fatalf("asked: %+v", asked)
	}
	for want, grants := range map[string][]core.Grant{
		"(payment.succeeded, order.*)": nil,
		"grants.events.events":         {{Capability: abi.CapabilityEvents, Domains: []string{"order"}}},
		"grants.events.domains":        {{Capability: abi.CapabilityEvents, Events: []string{"payment.succeeded"}, Domains: []string{"order", "payment"}}},
	} {
		_, err := s.Install(t.Context(), acme.ID, ada, workspace.InstallRequest{Plugin: "shop", Grants: grants})
		if core.KindOf(err) != core.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	consent := []core.Grant{{Capability: abi.CapabilityEvents, Events: []string{"payment.succeeded"}, Domains: []string{"order"}}}
	if _, err := s.Install(t.Context(), acme.ID, ada, workspace.InstallRequest{Plugin: "shop", Grants: consent}); err != nil {
		t.Fatal(err)
	}
	a, err := h.db.Access(t.Context(), acme.ID)
	if err != nil {
		t.Fatal(err)
	}
	in, _ := a.Installation("shop")
	if !in.Receives(core.Event{Type: "payment.succeeded"}) || in.Receives(core.Event{Type: "order.paid"}) || !in.Emits("order.paid") || !in.Emits("shop.opened") || in.Emits("payment.succeeded") {
		t.Errorf("grants: %+v", in.Grants)
	}

	// Nobody else can hold the domain, nor get there first in a race, until it is free.
	_, err = s.Install(t.Context(), acme.ID, ada, workspace.InstallRequest{Plugin: "kiosk", Grants: consent})
	if core.KindOf(err) != core.Exists || !strings.Contains(core.MessageOf(err), "carrel/shop, installed as shop") {
		t.Errorf("a second holder: %v", err)
	}
	if _, err := s.Uninstall(t.Context(), acme.ID, ada, "shop", workspace.UninstallRequest{Data: workspace.DataKeep}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Install(t.Context(), acme.ID, ada, workspace.InstallRequest{Plugin: "kiosk", Grants: consent}); err != nil {
		t.Errorf("after it was freed: %v", err)
	}
}
