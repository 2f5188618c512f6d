package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

func TestTurn(t *testing.T) {
	// Each is a workspace and the number of its delivery, in the order they became due.
	due := strings.Fields("c1 a1 c2 b1 a2 d1")
	for _, test := range []struct {
		after core.WorkspaceID
		busy  []core.WorkspaceID
		each  int
		limit int
		want  string
	}{
		{"", nil, 1, 9, "a1 b1 c1 d1"},
		{"b", nil, 1, 9, "c1 d1 a1 b1"},
		{"bb", nil, 1, 2, "c1 d1"},
		{"d", nil, 1, 3, "a1 b1 c1"},
		{"b", []core.WorkspaceID{"c", "b", "x"}, 1, 9, "d1 a1"},
		{"", []core.WorkspaceID{"a", "b", "c", "d"}, 1, 9, ""},
		{"a", nil, 1, 0, ""},
		{"", nil, 2, 9, "a1 b1 c1 d1 a2 c2"},
		{"b", nil, 3, 5, "c1 d1 a1 b1 c2"},
		{"", []core.WorkspaceID{"c"}, 2, 9, "a1 b1 d1 a2"},
	} {
		var all []core.Delivery
		for _, d := range due {
			all = append(all, core.Delivery{Workspace: core.WorkspaceID(d[:1]), ID: core.DeliveryID(d)})
		}
		var got []string
		for _, d := range store.Turn(all, test.after, test.busy, test.each, test.limit) {
			got = append(got, string(d.ID))
		}
		if !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("after %q, %v busy, %d of each, %d: %v, want %s", test.after, test.busy, test.each, test.limit, got, test.want)
		}
	}
}
