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

// Turn picks from all deliveries that are due, in the order they became due: up to
// limit of them, the first of each workspace but the busy ones, in the order of the
// workspaces from the one behind after, and round.
func Turn(due []core.Delivery, after core.WorkspaceID, busy []core.WorkspaceID, limit int) []core.Delivery {
	var first []core.Delivery
	seen := make(map[core.WorkspaceID]bool, len(busy))
	for _, ws := range busy {
		seen[ws] = true
	}
	for _, d := range due {
		if !seen[d.Workspace] {
			seen[d.Workspace] = true
			first = append(first, d)
		}
	}
	round := func(d core.Delivery) int {
		if d.Workspace > after {
			return 0
		}
		return 1
	}
	slices.SortFunc(first, func(a, b core.Delivery) int {
		return cmp.Or(round(a)-round(b), cmp.Compare(a.Workspace, b.Workspace))
	})
	return first[:min(len(first), limit)]
}
