package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/bench/carrel"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/postgres"
	"github.com/carrel-dev/carrel/store/sqlite"
)

// writers fill a database at the same time, so that many share a flush.
const writers = 64

// database is what filling needs of a store.
type database interface {
	AccountByEmail(ctx context.Context, email string) (core.Account, error)
	CreateAccount(ctx context.Context, a core.Account) error
	CreateWorkspace(ctx context.Context, w core.Workspace, owner core.AccountID, c core.Contract, entry core.AuditEntry) error
	Workspace(ctx context.Context, ref string) (core.Workspace, error)
	Access(ctx context.Context, ws core.WorkspaceID) (core.Access, error)
	Change(ctx context.Context, ws core.WorkspaceID, decide func(core.Access) ([]core.Change, error)) error
	Close() error
}

// fill copies a workspace that was made over HTTP, as often as wanted, into the
// database of a server that does not run, through the store's own API: each copy has
// an owner with an account of its own, a contract, the same releases installed with
// the same grants, an occurrence of each schedule that waits, and the lines of the
// audit log.
type fill struct {
	db      database
	model   core.Access
	waiting []core.Delivery // of the model's schedules
	owner   core.AccountID  // empty: each has one of its own
	slug    string          // of the copies, before their number
}

// openStore opens the database of a server that does not run, with what waits in
// a workspace.
func openStore(ctx context.Context, s *carrel.Server, model string) (f *fill, err error) {
	f = new(fill)
	var waiting func(ws core.WorkspaceID) ([]core.Delivery, error)
	if url := s.URL(); url != "" {
		// What is filled in need not survive a crash before it is asked for.
		db, err := postgres.Open(ctx, url+"&synchronous_commit=off")
		if err != nil {
			return nil, err
		}
		f.db = db
		waiting = func(ws core.WorkspaceID) ([]core.Delivery, error) {
			return db.History().Deliveries(ctx, ws, core.DeliveryPending, "", 100)
		}
	} else {
		db, err := sqlite.Open(ctx, s.Data())
		if err != nil {
			return nil, err
		}
		f.db = db
		waiting = func(ws core.WorkspaceID) ([]core.Delivery, error) {
			return db.History().Deliveries(ctx, ws, core.DeliveryPending, "", 100)
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.db.Close())
		}
	}()
	w, err := f.db.Workspace(ctx, model)
	if err != nil {
		return nil, err
	}
	if f.model, err = f.db.Access(ctx, w.ID); err != nil {
		return nil, err
	}
	if f.waiting, err = waiting(w.ID); err != nil {
		return nil, err
	}
	return f, nil
}

// copies makes so many.
func (f *fill) copies(ctx context.Context, slug string, n int, owner string) error {
	f.slug, f.owner = slug, ""
	if owner != "" {
		account, err := f.db.AccountByEmail(ctx, owner)
		if err != nil {
			return err
		}
		f.owner = account.ID
	}
	errs := make([]error, writers)
	var next atomic.Int64
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for errs[i] == nil {
				at := int(next.Add(1)) - 1
				if at >= n {
					return
				}
				errs[i] = f.copy(ctx, at)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (f *fill) copy(ctx context.Context, n int) error {
	now := time.Now()
	owner := f.owner
	if owner == "" {
		a := core.Account{ID: core.NewAccountID(), Email: fmt.Sprintf("%s%d@example.com", f.slug, n), Name: "Owner", PasswordHash: "-", Created: now}
		if err := f.db.CreateAccount(ctx, a); err != nil {
			return err
		}
		owner = a.ID
	}
	w := f.model.Workspace
	w.ID, w.Slug, w.Created = core.NewWorkspaceID(), fmt.Sprint(f.slug, n), now
	w.Name = w.Slug
	entry := core.AuditEntry{Time: now, Actor: string(owner), Action: "workspace.created", Subject: w.Slug}
	if err := f.db.CreateWorkspace(ctx, w, owner, core.Contract{ID: core.NewContractID(), Workspace: w.ID, Plan: w.Plan, Began: now}, entry); err != nil {
		return err
	}
	return f.db.Change(ctx, w.ID, func(core.Access) (changes []core.Change, err error) {
		own := map[core.InstallationID]core.InstallationID{}
		for _, in := range f.model.Installations {
			own[in.ID] = core.NewInstallationID()
			in.ID, in.Workspace, in.Created, in.Updated = own[in.ID], w.ID, now, now
			changes = append(changes, core.PutInstallation{Installation: in}, core.AppendAudit{Entry: core.AuditEntry{
				Time: now, Actor: string(owner), Action: "installation.created", Subject: in.Plugin.String() + "@" + in.Version}})
		}
		for _, d := range f.waiting {
			d.ID, d.Workspace, d.Install, d.Created = core.NewDeliveryID(), w.ID, own[d.Install], now
			changes = append(changes, core.PutDelivery{Delivery: d})
		}
		return changes, nil
	})
}
