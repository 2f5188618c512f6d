package app

import (
	"context"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/billing"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/store"
)

// units lets the dispatcher begin the store's units of work.
type units struct{ store *store.Store }

// Begin implements dispatch.Units.
func (u units) Begin(ws core.WorkspaceID, scope dispatch.Scope) dispatch.Unit {
	return unit{u.store.Begin(ws, store.Scope(scope))}
}

// unit is one unit of work, as the dispatcher and the host functions see it.
type unit struct{ *store.Unit }

var _ hostfuncs.Unit = unit{}

// Commit implements dispatch.Unit.
func (u unit) Commit(ctx context.Context) (deliveries bool, err error) {
	done, err := u.Unit.Commit(ctx)
	return done.Deliveries, err
}

// views makes the dispatcher's view of a workspace from what the store, the
// plans and the registry know.
type views struct {
	access interface {
		Access(ctx context.Context, ws core.WorkspaceID) (core.Access, error)
	}
	plans    *billing.Plans
	releases interface {
		ByDigest(ctx context.Context, digest core.Digest) (core.Release, error)
	}
}

// View implements dispatch.Views. The access is one snapshot; releases are
// immutable, and plans change only with a restart. A release the registry has
// lost has no manifest: its own plugin is refused, the others go on.
func (v views) View(ctx context.Context, ws core.WorkspaceID) (dispatch.View, error) {
	access, err := v.access.Access(ctx, ws)
	if err != nil {
		return dispatch.View{}, err
	}
	view := dispatch.View{Access: access, Manifests: map[core.Digest]*abi.Manifest{}}
	view.Plan, _ = v.plans.Plan(access.Workspace.Plan)
	for _, in := range access.Installations {
		release, err := v.releases.ByDigest(ctx, in.Digest)
		switch {
		case err == nil:
			view.Manifests[in.Digest] = &release.Manifest
		case core.KindOf(err) != core.NotFound:
			return dispatch.View{}, err
		}
	}
	return view, nil
}

// hooks runs the lifecycle hooks of installations through the dispatcher.
type hooks struct{ dispatcher *dispatch.Dispatcher }

// Lifecycle implements workspace.Hooks.
func (h hooks) Lifecycle(ctx context.Context, l workspace.Lifecycle) error {
	return h.dispatcher.Lifecycle(ctx, dispatch.Lifecycle{
		Workspace: l.Workspace, Installation: l.Installation, Manifest: l.Manifest,
		Hook: l.Hook, Changes: l.Changes, Actor: l.Actor, NeedsPlan: enables(l.Changes),
	})
}

// enables reports whether the changes leave an installation enabled: only then
// must the plan, as it is when they are committed, include the plugin.
func enables(changes []core.Change) bool {
	return slices.ContainsFunc(changes, func(c core.Change) bool {
		put, ok := c.(core.PutInstallation)
		return ok && put.Installation.State == core.InstallationEnabled
	})
}

// history lets the API read what happened, and tells the claimer when a
// delivery is to be tried again.
type history struct {
	records
	wake func()
	now  func() time.Time
}

// Redrive implements api.History.
func (h history) Redrive(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID, actor core.Actor) (core.Delivery, error) {
	d, err := h.records.Redrive(ctx, ws, id, core.AuditEntry{
		Time: h.now(), Actor: string(actor.Account), Action: "delivery.redriven", Subject: string(id),
	})
	if err == nil {
		h.wake()
	}
	return d, err
}

// browser reads documents for people.
type browser struct{ store *store.Store }

func (b browser) begin(ws core.WorkspaceID, r workspace.Reading) *store.Unit {
	return b.store.Begin(ws, store.Scope{
		Plugin: r.Installation.Plugin, Installation: r.Installation.ID, Tables: r.Tables, ReadOnly: true, AuthEpoch: r.Epoch,
	})
}

// Page implements workspace.Documents.
func (b browser) Page(ctx context.Context, ws core.WorkspaceID, r workspace.Reading, table, cursor string, limit int) ([]core.Document, string, error) {
	return b.begin(ws, r).Query(ctx, abi.QueryRequest{Table: table, Sort: []string{"-createdAt"}, Limit: limit, Cursor: cursor})
}

// Document implements workspace.Documents.
func (b browser) Document(ctx context.Context, ws core.WorkspaceID, r workspace.Reading, table string, id core.DocumentID) (core.Document, error) {
	return b.begin(ws, r).Get(ctx, table, id)
}

// Count implements workspace.Documents.
func (b browser) Count(ctx context.Context, ws core.WorkspaceID, r workspace.Reading, table string) (n int, capped bool, err error) {
	return b.begin(ws, r).Count(ctx, table, nil)
}
