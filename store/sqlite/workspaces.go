package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// workspaceColumns are read by workspaceInto, always under the name w; the plan
// is that of the open contract, joined as c.
const (
	workspaceColumns = "w.id, w.slug, w.name, w.time_zone, w.locale, w.home, w.created, c.plan"
	joinContract     = " JOIN contracts c ON c.workspace = w.id AND c.ended = 0 "
)

func workspaceInto(w *core.Workspace, created *int64) []any {
	return []any{&w.ID, &w.Slug, &w.Name, &w.TimeZone, &w.Locale, &w.Home, created, &w.Plan}
}

// CreateWorkspace implements core/workspace's Store.
func (db *DB) CreateWorkspace(ctx context.Context, w core.Workspace, owner core.AccountID, c core.Contract, entry core.AuditEntry) error {
	const op = "sqlite.CreateWorkspace"
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO workspaces (id, slug, name, time_zone, locale, home, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
			w.ID, w.Slug, w.Name, w.TimeZone, w.Locale, w.Home, micros(w.Created))
		if err == nil {
			err = keepSlug(ctx, tx, w.ID, w.Slug)
		}
		if err != nil {
			return failed(op, err)
		}
		return applyChanges(ctx, session{tx: tx, statements: db.writeStatements}, w.ID, []core.Change{
			core.PutMember{Member: core.Member{Account: owner, Role: core.RoleOwner, Created: w.Created}},
			core.PutContract{Contract: c},
			core.AppendAudit{Entry: entry},
		})
	})
}

// Memberships implements core/workspace's Store.
func (db *DB) Memberships(ctx context.Context, account core.AccountID) ([]core.Workspace, []core.Member, error) {
	rows, err := db.read.QueryContext(ctx, membershipOf+" WHERE m.account = ? ORDER BY w.name, w.id", account)
	var members []core.Member
	workspaces, err := collect(rows, err, func(s scanner) (core.Workspace, error) {
		w, m, err := scanMembership(s)
		members = append(members, m)
		return w, err
	})
	return workspaces, members, failed("sqlite.Memberships", err)
}

// Membership implements core/workspace's Store. Whether the workspace is
// missing or the account is no member of it, the same query finds no row.
func (db *DB) Membership(ctx context.Context, ref string, account core.AccountID) (core.Workspace, core.Member, error) {
	known, err := store.Recall(&db.memory.memberships, membershipKey{strings.Clone(ref), account}, func() (k membership, err error) {
		k.workspace, k.member, err = scanMembership(db.read.QueryRowContext(ctx, membershipOf+" WHERE m.account = ? AND "+referred(ref), account, ref))
		return k, failed("sqlite.Membership", err)
	})
	return known.workspace, known.member, err
}

// Workspace implements core/workspace's Store.
func (db *DB) Workspace(ctx context.Context, ref string) (core.Workspace, error) {
	var w core.Workspace
	var created int64
	row := db.read.QueryRowContext(ctx, "SELECT "+workspaceColumns+" FROM workspaces w"+joinContract+" WHERE "+referred(ref), ref)
	err := row.Scan(workspaceInto(&w, &created)...)
	w.Created = fromMicros(created)
	return w, failed("sqlite.Workspace", err)
}

// referred is the condition for what a reference to a workspace names: its id, its
// slug, or one it had before.
func referred(ref string) string {
	if strings.HasPrefix(ref, "ws_") { // a slug has no underscore
		return "w.id = ?"
	}
	return "w.id = (SELECT workspace FROM slugs WHERE slug = ?)"
}

// maxSlugs is how many addresses a workspace has, former ones included.
const maxSlugs = 10

// keepSlug makes a slug one of a workspace's, of which the oldest may be given up
// for it. It fails when another has it, or had it before.
func keepSlug(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, slug string) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM slugs WHERE slug = ? AND workspace = ?", slug, ws) // it becomes the newest
	if err == nil {
		_, err = tx.ExecContext(ctx, "INSERT INTO slugs (slug, workspace) VALUES (?, ?)", slug, ws)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM slugs WHERE workspace = ?1
			AND rowid NOT IN (SELECT rowid FROM slugs WHERE workspace = ?1 ORDER BY rowid DESC LIMIT ?2)`, ws, maxSlugs)
	}
	return err
}

const membershipOf = "SELECT " + workspaceColumns + ", m.account, a.email, a.name, m.role, m.created FROM members m" +
	" JOIN workspaces w ON w.id = m.workspace JOIN accounts a ON a.id = m.account" + joinContract

func scanMembership(row scanner) (w core.Workspace, m core.Member, err error) {
	var created, since int64
	err = row.Scan(append(workspaceInto(&w, &created), &m.Account, &m.Email, &m.Name, &m.Role, &since)...)
	w.Created, m.Workspace, m.Created = fromMicros(created), w.ID, fromMicros(since)
	return w, m, err
}

// Access implements core/workspace's Store.
func (db *DB) Access(ctx context.Context, ws core.WorkspaceID) (core.Access, error) {
	const op = "sqlite.Access"
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return core.Access{}, failed(op, err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	return readAccess(ctx, tx, ws)
}

func readAccess(ctx context.Context, q querier, ws core.WorkspaceID) (a core.Access, err error) {
	const op = "sqlite.Access"
	var created int64
	err = q.QueryRowContext(ctx, "SELECT "+workspaceColumns+" FROM workspaces w"+joinContract+"WHERE w.id = ?", ws).
		Scan(workspaceInto(&a.Workspace, &created)...)
	if err != nil {
		return a, failed(op, err)
	}
	a.Workspace.Created = fromMicros(created)
	moment, err := readHead(ctx, q, ws)
	if err != nil {
		return a, failed(op, err)
	}
	a.Epoch = moment.AuthEpoch
	if a.Members, err = readMembers(ctx, q, ws); err != nil {
		return a, failed(op, err)
	}
	a.Installations, err = readInstallations(ctx, q, ws)
	return a, failed(op, err)
}

// Change implements core/workspace's Store: the committer runs one transaction
// at a time, so what decide saw is still so when its answer is written.
func (db *DB) Change(ctx context.Context, ws core.WorkspaceID, decide func(core.Access) ([]core.Change, error)) error {
	var changes []core.Change
	err := db.writeOf(ctx, ws, func(ctx context.Context, tx *sql.Tx) error {
		a, err := readAccess(ctx, tx, ws)
		if err != nil {
			return err
		}
		if changes, err = decide(a); err != nil {
			return err
		}
		return applyChanges(ctx, session{tx: tx, statements: db.writeStatements}, ws, changes)
	})
	if err == nil && (core.Resumes(changes) || len(core.EventsOf(changes)) > 0) {
		db.signalResumed()
	}
	return err
}

func putWorkspace(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, w core.Workspace) error {
	result, err := tx.ExecContext(ctx, "UPDATE workspaces SET slug = ?, name = ?, time_zone = ?, locale = ? WHERE id = ?",
		w.Slug, w.Name, w.TimeZone, w.Locale, ws)
	if err := one("sqlite.PutWorkspace", result, err); err != nil {
		return err
	}
	if err := keepSlug(ctx, tx, ws, w.Slug); err != nil {
		return failed("sqlite.PutWorkspace", err)
	}
	return bumpEpoch(ctx, tx, ws)
}

// DeleteWorkspace implements core/workspace's Store. It asks the schema which
// tables hold data of workspaces, so that none can be forgotten.
func (db *DB) DeleteWorkspace(ctx context.Context, ws core.WorkspaceID) error {
	const op = "sqlite.DeleteWorkspace"
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		tables, err := workspaceTables(ctx, tx)
		if err != nil {
			return failed(op, err)
		}
		for _, table := range tables {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE "+inWorkspace, ws); err != nil {
				return failed(op, err)
			}
		}
		result, err := tx.ExecContext(ctx, "DELETE FROM workspaces WHERE id = ?", ws)
		return one(op, result, err)
	})
}

// workspaceTables returns the tables that have a column named workspace.
func workspaceTables(ctx context.Context, q querier) ([]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND c.name = 'workspace' ORDER BY t.name`)
	return collect(rows, err, func(s scanner) (table string, err error) {
		err = s.Scan(&table)
		return table, err
	})
}
