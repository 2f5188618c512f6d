package machine

import (
	"context"
	"path/filepath"
	"strconv"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// Postgres is a Postgres of the benchmark's own, which writes to disk as any does.
// It is started when the first database is asked for.
type Postgres struct{ cluster *pgtest.Cluster }

// Database makes an empty database and returns its URL. The error is
// pgtest.ErrMissing where Postgres is not installed.
func (p *Postgres) Database(ctx context.Context, name string) (url string, err error) {
	if p.cluster == nil {
		if p.cluster, err = pgtest.NewCluster(true); err != nil {
			return "", err
		}
	}
	return p.cluster.URL(name), p.cluster.Create(ctx, name)
}

// CPU is the processor time its processes have used, in seconds; 0 before it was
// started, and where the system does not tell.
func (p *Postgres) CPU() (used float64) {
	if p == nil || p.cluster == nil {
		return 0
	}
	server := p.cluster.PID()
	used = statOf(server).used + statOf(server).ended
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		pid, _ := strconv.Atoi(filepath.Base(process))
		if s := statOf(pid); s.parent == server {
			used += s.used
		}
	}
	return used
}

// Checkpoint brings its files up to date, if it was started, which it else does by
// itself, at some time in a measurement or between two. The files of its log it then
// uses again, as one that has run for a day does; one that is new makes another for
// each 16 MB, which stops all commits for tens of milliseconds.
func (p *Postgres) Checkpoint(ctx context.Context) error {
	if p == nil || p.cluster == nil {
		return nil
	}
	return p.cluster.Checkpoint(ctx)
}

// Remove ends it, if it was started.
func (p *Postgres) Remove() error {
	if p.cluster == nil {
		return nil
	}
	return p.cluster.Remove()
}
