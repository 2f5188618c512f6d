package store

import (
	"cmp"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// MaxDue is how many due deliveries a database looks at to find whose turn it is.
// When there are no more, they are all that is due, however many workspaces wait
// for a later time; with a longer backlog it has to go from workspace to workspace.
const MaxDue = 256

// Turn picks from deliveries that are due, in the order they became due: up to limit of
// them, the first of each workspace but the busy ones, in the order of the workspaces
// from the one behind after, and round; then the second of each, and so on up to each.
func Turn(due []core.Delivery, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) []core.Delivery {
	type turn struct {
		core.Delivery
		nth    int // of its workspace
		behind bool
	}
	var turns []turn
	taken := make(map[core.WorkspaceID]int, len(busy))
	for _, ws := range busy {
		taken[ws] = each
	}
	for _, d := range due {
		if n := taken[d.Workspace]; n < each {
			taken[d.Workspace]++
			turns = append(turns, turn{d, n, d.Workspace > after})
		}
	}
	slices.SortFunc(turns, func(a, b turn) int {
		switch {
		case a.nth != b.nth:
			return a.nth - b.nth
		case a.behind != b.behind && a.behind:
			return -1
		case a.behind != b.behind:
			return 1
		default:
			return cmp.Compare(a.Workspace, b.Workspace)
		}
	})
	picked := make([]core.Delivery, min(len(turns), limit))
	for i := range picked {
		picked[i] = turns[i].Delivery
	}
	return picked
}
