package app

import (
	"context"
	"log/slog"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/registry"
)

// beginSchedules begins the schedules that no delivery waits for: those of
// installations that are older than this server's schedules. It is done before any
// delivery is run. A release the registry has lost has none until it is back.
func beginSchedules(ctx context.Context, db database, releases *registry.Registry, dispatcher *dispatch.Dispatcher, log *slog.Logger) error {
	const op = "app.BeginSchedules"
	digests, err := db.Digests(ctx)
	if err != nil {
		return core.Wrap(op, core.Unavailable, err)
	}
	for _, digest := range digests {
		release, err := releases.ByDigest(ctx, digest)
		if core.KindOf(err) == core.NotFound {
			continue
		}
		if err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
		for _, schedule := range release.Manifest.Schedules {
			missing, err := db.Unscheduled(ctx, digest, schedule.Name)
			if err != nil {
				return core.Wrap(op, core.Unavailable, err)
			}
			for _, in := range missing {
				if err := dispatcher.BeginSchedule(ctx, in.Workspace, in.ID, schedule.Name); err != nil {
					return core.Wrap(op, core.Unavailable, err)
				}
			}
			if len(missing) > 0 {
				log.Info("schedules begun", "plugin", release.Plugin, "schedule", schedule.Name, "installations", len(missing))
			}
		}
	}
	return nil
}
