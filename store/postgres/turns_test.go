package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

// While there are more places than workspaces that wait, each has one; otherwise those
// whose turn it is have several, which share transactions. None is forgotten, and
// none is claimed twice.
func TestSeveralOfEachWhenAsManyWaitAsThereArePlaces(t *testing.T) {
	db, now := openTest(t), time.Unix(1_000_000_000, 0)
	documents := store.New(db.Documents())
	const each = 60
	all := strings.Fields("ws_a ws_b ws_c ws_d ws_e")
	for _, ws := range all {
		u := documents.Begin(core.WorkspaceID(ws), storetest.Scope())
		for range each { // more in all than are looked at one by one
			u.Add(core.PutDelivery{Delivery: core.Delivery{ID: core.NewDeliveryID(), Install: "ins_1", Handler: "h", Due: now, Created: now, Hop: 1}})
		}
		if _, err := u.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[core.DeliveryID]bool{}
	claim := func(after core.WorkspaceID, busy []core.WorkspaceID, limit int) string {
		t.Helper()
		claimed, err := db.ClaimDeliveries(context.Background(), now, now.Add(time.Hour), after, busy, 1, limit)
		if err != nil {
			t.Fatal(err)
		}
		var of []string
		for _, d := range claimed {
			if seen[d.ID] {
				t.Errorf("%s is claimed twice", d.ID)
			}
			seen[d.ID] = true
			of = append(of, strings.TrimPrefix(string(d.Workspace), "ws_"))
		}
		return strings.Join(of, "")
	}
	for _, c := range []struct {
		after core.WorkspaceID
		busy  []core.WorkspaceID
		limit int
		want  string
	}{
		{"", nil, 64, "abcde"},
		{"", nil, 6, "abcde"},
		{"", nil, 5, "aaaab"},
		{"ws_b", nil, 5, "ccccd"},
		{"ws_d", nil, 5, "eeeea"},
		{"ws_d", []core.WorkspaceID{"ws_a", "ws_e"}, 3, "bbb"},
		{"ws_d", []core.WorkspaceID{"ws_a", "ws_e"}, 4, "bcd"},
		{"ws_e", nil, 1, "a"},
	} {
		if got := claim(c.after, c.busy, c.limit); got != c.want {
			t.Errorf("%d behind %q, without %v: %s, want %s", c.limit, c.after, fmt.Sprint(c.busy), got, c.want)
		}
	}
}
