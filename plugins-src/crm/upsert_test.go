package main

import (
	"maps"
	"testing"

	"github.com/carrel-dev/carrel/sdk"
)

// notes is a ledger in memory, as a workspace would remember it.
type notes struct {
	contacts map[string]known
	changes  map[string]any // of the last update
	room     int
	asked    int // for companies
}

func (n *notes) find(_ *sdk.Ctx, email string) (known, bool, error) {
	contact, found := n.contacts[email]
	return contact, found, nil
}

func (n *notes) admit(*sdk.Ctx) error {
	if len(n.contacts) == n.room {
		return overQuota
	}
	return nil
}

func (n *notes) create(_ *sdk.Ctx, email string, as known) error {
	n.contacts[email] = as
	return nil
}

func (n *notes) update(_ *sdk.Ctx, email string, _ sdk.ID, to known, changes map[string]any) error {
	n.contacts[email], n.changes = to, changes
	return nil
}

func (n *notes) company(_ *sdk.Ctx, name, _ string) (string, error) {
	n.asked++
	return "company " + name, nil
}

func TestUpsert(t *testing.T) {
	n := &notes{contacts: map[string]known{}, room: 1}
	ada := row{Email: "ada@example.com", Name: "Ada", Company: "Acme", Lifecycle: "lead"}
	for _, step := range []struct {
		name    string
		row     row
		want    outcome
		changes map[string]any
	}{
		{"new", ada, created, nil},
		{"again", ada, unchanged, nil},
		{"an empty cell says nothing", row{Email: ada.Email}, unchanged, nil},
		{"one cell differs", row{Email: ada.Email, Phone: "1", Lifecycle: "lead"}, updated, map[string]any{"phone": "1"}},
		{"another company", row{Email: ada.Email, Company: "Other"}, updated, map[string]any{"companyId": "company Other"}},
	} {
		n.changes = nil
		got, err := upsert(nil, n, step.row)
		if err != nil || got != step.want || !maps.Equal(n.changes, step.changes) {
			t.Errorf("%s: outcome %d, changes %v, %v", step.name, got, n.changes, err)
		}
	}
	if want := (known{Name: "Ada", Phone: "1", Company: "company Other", Lifecycle: "lead"}); n.contacts[ada.Email] != want {
		t.Errorf("ada is %+v", n.contacts[ada.Email])
	}
	n.asked = 0
	for _, refused := range []row{{Email: "new@example.com", Company: "New"}, {Email: "new@example.com", Name: "New", Company: "New"}} {
		_, err := upsert(nil, n, refused)
		if _, ok := err.(rowError); !ok {
			t.Errorf("%+v: %v, want a row error", refused, err)
		}
	}
	if len(n.contacts) != 1 || n.asked != 0 {
		t.Errorf("refused rows left %d contacts and asked for %d companies", len(n.contacts)-1, n.asked)
	}
}
