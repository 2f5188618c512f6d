package app

import (
	"context"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime"
)

// warmed is how many installed modules a start makes ready: as many as fit beside
// each other on a small server. Others are made ready by their first call.
const warmed = 32

// warm makes modules of what is installed ready to be called, one after another,
// until ctx ends. On a new node, or behind a backup that was restored, there is
// nothing compiled yet, and the first call would wait longer than it may. What can't
// be made ready is told to who calls it.
func warm(ctx context.Context, db database, engine *runtime.Engine, releases modules) error {
	digests, err := db.Digests(ctx)
	if err != nil {
		return core.Wrap("app.Warm", core.Unavailable, err)
	}
	for _, digest := range digests[:min(len(digests), warmed)] {
		if ctx.Err() != nil {
			break
		}
		engine.Load(ctx, digest, func(ctx context.Context) ([]byte, error) { return releases.Module(ctx, digest) }) //nolint:errcheck // see above
	}
	return nil
}
