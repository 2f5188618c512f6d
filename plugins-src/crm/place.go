package main

import "github.com/carrel-dev/carrel/sdk"

// Deals of a stage stand in the order of their positions, numbers with room
// between them, so that a move writes one deal and not the whole stage. Nobody
// else's move can come to the same number: the call has read the neighbours it
// found, and is run again if another call was there first.

// column is a stage of a pipeline as a place for deals.
type column struct {
	pipeline sdk.ID
	stage    Stage
}

// Where place puts a deal, besides an index.
const (
	last = -1 // behind all others
	stay = -2 // where it is
)

const (
	spacing  = 1 << 20 // between neighbours that were put behind each other
	elbow    = 1 << 8  // what neighbours get at least when they are moved apart
	maxIndex = 1_000   // places that are counted; what is to go further back goes to the end
)

// place finds the position at an index of a column: how many deals that a board
// shows there, the moved one not counted, stand before it.
func place(c *sdk.Ctx, to column, moved sdk.ID, index int) (int64, error) {
	before, found, err := to.neighbour(c, moved, index)
	if err != nil {
		return 0, err
	}
	behind := to.all()
	if found {
		behind = behind.Gt("position", before)
	} else if index == last {
		return spacing, nil // the first deal of the stage
	}
	next, err := positions(c, behind.Sort("position").Limit(2), moved)
	switch {
	case err != nil:
		return 0, err
	case len(next) == 0 && !found:
		return spacing, nil
	case len(next) == 0:
		return before + spacing, nil
	case !found:
		return next[0].position - spacing, nil
	case next[0].position-before >= 2:
		return before + (next[0].position-before)/2, nil
	default:
		return to.makeRoom(c, moved, before)
	}
}

// all asks for the deals of the column, whatever their status.
func (to column) all() *sdk.QueryOf[Deal] {
	return deals.Where("pipelineId", to.pipeline).Where("stageKey", to.stage.Key)
}

// shown asks for those a board shows in the column.
func (to column) shown() *sdk.QueryOf[Deal] { return to.all().Where("status", to.stage.Kind) }

// neighbour finds the position of the deal that is to stand before an index.
func (to column) neighbour(c *sdk.Ctx, moved sdk.ID, index int) (position int64, found bool, err error) {
	if index == 0 {
		return 0, false, nil
	}
	if index != last && index <= maxIndex {
		cursor, counted := "", 0
		for {
			page, next, err := to.shown().Sort("position").Limit(min(index-counted+1, 200)).Cursor(cursor).RawDocs(c)
			if err != nil {
				return 0, false, err
			}
			list, err := seats(page, moved)
			if err != nil {
				return 0, false, err
			}
			if n := min(len(list), index-counted); n > 0 {
				position, found = list[n-1].position, true
				counted += n
			}
			if counted == index || next == "" {
				return position, found, nil
			}
			cursor = next
		}
	}
	ends, err := positions(c, to.all().Sort("-position").Limit(2), moved)
	if err != nil || len(ends) == 0 {
		return 0, false, err
	}
	return ends[0].position, true, nil
}

// makeRoom moves the deals behind a position apart, as few as it can, and
// returns the place that is free then.
func (to column) makeRoom(c *sdk.Ctx, moved sdk.ID, before int64) (int64, error) {
	var crowd []seat
	query := to.all().Gt("position", before).Sort("position")
	for cursor := ""; ; {
		page, next, err := query.Limit(50).Cursor(cursor).RawDocs(c)
		if err != nil {
			return 0, err
		}
		more, err := seats(page, moved)
		if err != nil {
			return 0, err
		}
		crowd = append(crowd, more...)
		free, shifts := spread(before, crowd, next == "")
		if shifts == nil {
			cursor = next
			continue
		}
		for _, shift := range shifts {
			if _, err := deals.Patch(c, shift.id, map[string]any{"position": shift.position}); err != nil {
				return 0, err
			}
		}
		return free, nil
	}
}

// seat is a deal and where it stands.
type seat struct {
	id       sdk.ID
	position int64
}

// spread gives the first of a crowd that stands behind a position new places,
// with a free one before them all. Those it needs not move stay. Without shifts
// the crowd is too dense: more of the column must be known.
func spread(before int64, crowd []seat, whole bool) (free int64, shifts []seat) {
	for n := 1; n < len(crowd); n++ {
		if step := (crowd[n].position - before) / int64(n+2); step >= elbow {
			return before + step, spaced(before+step, step, crowd[:n])
		}
	}
	if !whole {
		return 0, nil
	}
	return before + spacing, spaced(before+spacing, spacing, crowd)
}

func spaced(from, step int64, crowd []seat) []seat {
	shifts := make([]seat, len(crowd))
	for i, one := range crowd {
		shifts[i] = seat{one.id, from + step*int64(i+1)}
	}
	return shifts
}

// positions reads where the deals of a query stand, but for one.
func positions(c *sdk.Ctx, query *sdk.QueryOf[Deal], but sdk.ID) ([]seat, error) {
	page, _, err := query.RawDocs(c)
	if err != nil {
		return nil, err
	}
	return seats(page, but)
}

func seats(page []sdk.RawDoc[Deal], but sdk.ID) ([]seat, error) {
	var list []seat
	for _, doc := range page {
		id, err := doc.ID()
		if err != nil {
			return nil, err
		}
		if id == but {
			continue
		}
		one := seat{id: id}
		if _, err := doc.Field("position", &one.position); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}
