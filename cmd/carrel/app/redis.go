package app

import (
	"context"

	"github.com/carrel-dev/carrel/adapters/redis"
	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/core/billing"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/core/events"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/store"
)

// peers are the other nodes of the deployment, as far as this one talks to them.
// All that is lost when they hear nothing is time: what is due is looked for each
// second, and a view out of date ends with the unit that relied on it.
type peers struct{ link *redis.Link } // nil: it talks to nobody

// openPeers makes the link to Redis. It connects to nothing yet, so that a server
// starts without it.
func openPeers(cfg Config, keys secret.Keys) (peers, error) {
	if cfg.RedisURL == "" {
		return peers{}, nil
	}
	link, err := redis.New(redis.Config{URL: cfg.RedisURL, Secret: keys.Derive("redis"), Logger: cfg.Logger})
	return peers{link}, err
}

// listen has the node act on what others say, until close.
func (p peers) listen(claimer *events.Claimer, dispatcher *dispatch.Dispatcher) {
	if p.link != nil {
		p.link.Start(redis.Ears{Due: claimer.Wake, Moved: dispatcher.Forget, All: dispatcher.ForgetAll})
	}
}

func (p peers) close(context.Context) error {
	if p.link == nil {
		return nil
	}
	return p.link.Close()
}

// due tells them that deliveries may be due.
func (p peers) due() {
	if p.link != nil {
		p.link.Due()
	}
}

// moved tells them that a workspace's epoch is another, and that deliveries may be
// due: held ones of a plugin that is on again, or those of the platform's events.
func (p peers) moved(ws core.WorkspaceID) {
	p.link.Moved(ws)
	p.link.Due()
}

// signIns counts failures to sign in together with them.
func (p peers) signIns() account.Counter {
	if p.link == nil {
		return nil
	}
	return p.link.Counter("sign-in")
}

// mails counts mails together with them.
func (p peers) mails() hostfuncs.Counter {
	if p.link == nil {
		return nil
	}
	return p.link.Counter("mail")
}

// platform is the store as the services of workspaces use it.
type platform interface {
	workspace.InstallationStore
	billing.Store
}

// platform has them told of what is changed.
func (p peers) platform(db platform) platform {
	if p.link == nil {
		return db
	}
	return telling{db, p}
}

type telling struct {
	platform
	peers peers
}

// Change implements workspace.Store.
func (t telling) Change(ctx context.Context, ws core.WorkspaceID, decide func(core.Access) ([]core.Change, error)) error {
	err := t.platform.Change(ctx, ws, decide)
	if err == nil {
		t.peers.moved(ws)
	}
	return err
}

// DeleteWorkspace implements workspace.Store.
func (t telling) DeleteWorkspace(ctx context.Context, ws core.WorkspaceID) error {
	err := t.platform.DeleteWorkspace(ctx, ws)
	if err == nil {
		t.peers.moved(ws)
	}
	return err
}

// backend has them told of installations that units change.
func (p peers) backend(backend store.Backend) store.Backend {
	if p.link == nil {
		return backend
	}
	return tellingBackend{backend, p}
}

type tellingBackend struct {
	store.Backend
	peers peers
}

// Commit implements store.Backend.
func (t tellingBackend) Commit(ctx context.Context, ws core.WorkspaceID, b store.Batch) (int64, error) {
	seq, err := t.Backend.Commit(ctx, ws, b)
	if err == nil && moves(b.Changes) {
		t.peers.moved(ws)
	}
	return seq, err
}

// moves reports whether changes make the workspace's epoch another.
func moves(changes []core.Change) bool {
	for _, change := range changes {
		switch change.(type) {
		case core.PutInstallation, core.RemoveInstallation, core.PutWorkspace, core.PutMember, core.RemoveMember, core.PutContract:
			return true
		}
	}
	return false
}

// peers has what a node knows of its link to Redis read with the rest.
func (w *watch) peers(p peers) {
	if w == nil || p.link == nil {
		return
	}
	w.Gauge("carrel_redis_answers", "Whether Redis answers.", nil, func() float64 {
		if p.link.Answers() {
			return 1
		}
		return 0
	})
	w.Counter("carrel_redis_alone_total", "Times that a limit was counted by this node alone, as Redis did not answer.", nil,
		func() float64 { return float64(p.link.Alone()) })
}
