package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

const (
	// checkpointAt is from how many pages in its log on SQLite's file is brought up to
	// date: 32 MiB. It writes each page once, however often it changed since the last
	// time, so this is rare.
	checkpointAt = 8000
	// lookEach is how many groups are written between two looks at the log.
	lookEach = 16
)

// checkpointer copies what is in SQLite's log into the file beside the committer,
// which would be kept from writing for as long as that takes. What came into the log
// meanwhile the committer copies itself: only a log of which all is copied is begun
// anew, by the next write, and there would never be such a moment while others write.
type checkpointer struct {
	db     *sql.DB // one connection of its own
	at     int     // checkpointAt
	look   chan struct{}
	done   chan struct{}
	once   sync.Once
	groups int         // the committer's, since the last look
	copied atomic.Bool // all but what came meanwhile
}

func startCheckpointer(db *sql.DB) *checkpointer {
	p := &checkpointer{db: db, at: checkpointAt, look: make(chan struct{}, 1), done: make(chan struct{})}
	go p.run()
	return p
}

func (p *checkpointer) run() {
	defer close(p.done)
	for range p.look {
		// An error is of the disk, which the committer meets as well, and says.
		if pages, err := checkpoint(p.db, "NOOP"); err != nil || pages < p.at {
			continue
		}
		if _, err := checkpoint(p.db, "PASSIVE"); err == nil {
			p.copied.Store(true)
		}
	}
}

// checkpoint returns how many pages are in the log.
func checkpoint(db *sql.DB, mode string) (pages int, err error) {
	var busy, copied int
	err = db.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &pages, &copied)
	return pages, err
}

// written is told of each group by the committer, with its connection.
func (p *checkpointer) written(db *sql.DB) {
	if p.copied.Swap(false) {
		checkpoint(db, "PASSIVE") //nolint:errcheck // the next one finds out
	}
	if p.groups++; p.groups < lookEach {
		return
	}
	p.groups = 0
	select {
	case p.look <- struct{}{}:
	default:
	}
}

// stop waits for what is under way. written is not called any more.
func (p *checkpointer) stop() {
	p.once.Do(func() { close(p.look) })
	<-p.done
}
