package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// workspaceColumns are read by workspaceInto, always under the name w; the plan
// is that of the open contract, as c.
const workspaceColumns = "w.id, w.slug, w.name, w.time_zone, w.locale, w.home, w.created, c.plan"

// What workspaceColumns and membershipColumns come from, each behind what it refers to:
// an address is of q, a workspace's or a member's is s, who is found by it m.
var (
	withAddress = " LEFT" + with("s", "workspace", "slugs", "slug = q.ref")
	ofWorkspace = with("c", "plan", "contracts", "workspace = w.id AND ended = 0")
	ofMember    = with("w", "*", "workspaces", "id = m.workspace") + with("a", "email, name", "accounts", "id = m.account") + ofWorkspace
)

func workspaceInto(w *core.Workspace, created *int64) []any {
	return []any{&w.ID, &w.Slug, &w.Name, &w.TimeZone, &w.Locale, &w.Home, created, &w.Plan}
}

func scanWorkspace(s scanner, w *core.Workspace) error {
	var created int64
	err := s.Scan(workspaceInto(w, &created)...)
	w.Created = fromMicros(created)
	return err
}

// bumpSeq is bump for one change, whatever epoch it was authorised at.
const bumpSeq = "INSERT INTO heads (workspace, seq, auth_epoch) VALUES ($1, 1, 0)" +
	" ON CONFLICT (workspace) DO UPDATE SET seq = heads.seq + 1"

// CreateWorkspace implements core/workspace's Store.
func (db *DB) CreateWorkspace(ctx context.Context, w core.Workspace, owner core.AccountID, c core.Contract, entry core.AuditEntry) error {
	return db.writeData(ctx, "postgres.CreateWorkspace", w.ID, func(b *batch) {
		b.exec(bumpSeq, w.ID)
		b.exec("INSERT INTO workspaces (id, slug, name, time_zone, locale, home, created) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			w.ID, w.Slug, w.Name, w.TimeZone, w.Locale, w.Home, micros(w.Created))
		b.keepSlug(w.ID, w.Slug)
		b.putMember(w.ID, core.Member{Account: owner, Role: core.RoleOwner, Created: w.Created})
		b.putContract(w.ID, c)
		b.audit(w.ID, entry)
	})
}

// membershipColumns are read by scanMembership, under the names of workspaceColumns,
// and m and a for the member.
const membershipColumns = workspaceColumns + ", m.account, a.email, a.name, m.role, m.created"

func scanMembership(s scanner) (w core.Workspace, m core.Member, err error) {
	var created, since int64
	err = s.Scan(append(workspaceInto(&w, &created), &m.Account, &m.Email, &m.Name, &m.Role, &since)...)
	w.Created, m.Workspace, m.Created = fromMicros(created), w.ID, fromMicros(since)
	return w, m, err
}

// Memberships implements core/workspace's Store.
func (db *DB) Memberships(ctx context.Context, account core.AccountID) (workspaces []core.Workspace, members []core.Member, err error) {
	err = db.find(ctx, "postgres.Memberships", func(b *batch) {
		b.rows(func(s scanner) error {
			w, m, err := scanMembership(s)
			workspaces, members = append(workspaces, w), append(members, m)
			return err
		}, "SELECT "+membershipColumns+" FROM members m"+ofMember+"WHERE m.account = $1 ORDER BY w.name, w.id", account)
	})
	return workspaces, members, err
}

// membership is a workspace and what somebody is in it.
type membership struct {
	workspace core.Workspace
	member    core.Member
}

// somebody is an account at a reference to a workspace: its id, its slug, or one it
// had before.
type somebody struct {
	ref     string
	account core.AccountID
}

// gathersMemberships: whether a workspace is missing or the account is no member of
// it, the same query finds no row. A slug has no underscore, so it is no id.
func (db *DB) gathersMemberships() *gatherer[somebody, membership] {
	return gathers(db, "postgres.Membership",
		"SELECT q.place, "+membershipColumns+" FROM unnest($1::text[], $2::text[]) WITH ORDINALITY q (ref, account, place)"+
			withAddress+with("m", "*", "members", "workspace = coalesce(s.workspace, q.ref) AND account = q.account")+ofMember,
		func(all []somebody) []any {
			refs, accounts := make([]string, len(all)), make([]string, len(all))
			for i, one := range all {
				refs[i], accounts[i] = one.ref, string(one.account)
			}
			return []any{refs, accounts}
		},
		func(s scanner) (k membership, err error) {
			k.workspace, k.member, err = scanMembership(s)
			return k, err
		})
}

// Membership implements core/workspace's Store.
func (db *DB) Membership(ctx context.Context, ref string, account core.AccountID) (core.Workspace, core.Member, error) {
	k, err := remembered(ctx, db.lease, &db.memory.memberships, db.memberships, somebody{strings.Clone(ref), account})
	return k.workspace, k.member, err
}

func (db *DB) gathersWorkspaces() *gatherer[string, core.Workspace] {
	return gathers(db, "postgres.Workspace",
		"SELECT q.place, "+workspaceColumns+" FROM unnest($1::text[]) WITH ORDINALITY q (ref, place)"+
			withAddress+with("w", "*", "workspaces", "id = coalesce(s.workspace, q.ref)")+ofWorkspace,
		func(refs []string) []any { return []any{slices.Clone(refs)} },
		func(s scanner) (w core.Workspace, err error) {
			err = scanWorkspace(s, &w)
			return w, err
		})
}

// Workspace implements core/workspace's Store.
func (db *DB) Workspace(ctx context.Context, ref string) (core.Workspace, error) {
	return remembered(ctx, db.lease, &db.memory.workspaces, db.workspaces, strings.Clone(ref))
}

// Access implements core/workspace's Store.
func (db *DB) Access(ctx context.Context, ws core.WorkspaceID) (a core.Access, err error) {
	err = db.read(ctx, "postgres.Access", ws, func(b *batch) { b.access(ws, &a) })
	return a, err
}

// access adds the questions of what authorises in a workspace. The first, whether
// there is one, fails with NotFound.
func (b *batch) access(ws core.WorkspaceID, a *core.Access) {
	b.row(func(s scanner) error { return scanWorkspace(s, &a.Workspace) },
		"SELECT "+workspaceColumns+" FROM workspaces w"+ofWorkspace+"WHERE w.id = $1", ws)
	b.row(func(s scanner) error {
		var at store.Moment
		err := orNone(s.Scan(&at.Seq, &at.AuthEpoch))
		a.Epoch = at.AuthEpoch
		return err
	}, selectHead, ws)
	b.members(ws, &a.Members)
	b.installations(ws, &a.Installations)
}

// Change implements core/workspace's Store. The workspace's row in heads is locked
// for two exchanges with the database, and decide between them. A connection that
// turns out to be dead before anything was decided is passed over, as by read.
func (db *DB) Change(ctx context.Context, ws core.WorkspaceID, decide func(core.Access) ([]core.Change, error)) error {
	leave, err := db.writing.enter(ctx, ws)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	changes, decided, err := db.change(ctx, ws, decide)
	if !decided && core.KindOf(err) == core.Unavailable {
		db.writes.Reset()
		changes, _, err = db.change(ctx, ws, decide)
	}
	if err == nil && (core.Resumes(changes) || len(core.EventsOf(changes)) > 0) {
		db.wakes.signal()
	}
	if len(changes) > 0 && !core.Authorises(changes) {
		return err
	}
	return db.ended(ctx, err)
}

// change tries once; decided says that decide was asked.
func (db *DB) change(
	ctx context.Context, ws core.WorkspaceID, decide func(core.Access) ([]core.Change, error),
) (changes []core.Change, decided bool, err error) {
	const op = "postgres.Change"
	err = pgx.BeginFunc(ctx, db.writes, func(tx pgx.Tx) error {
		read := within(ws)
		read.exec(bumpSeq, ws)
		var a core.Access
		read.access(ws, &a)
		if err := read.send(ctx, op, tx); err != nil {
			return err
		}
		decided = true
		if changes, err = decide(a); err != nil {
			return err
		}
		b := &batch{}
		if err := b.change(ws, 0, changes); err != nil {
			return err
		}
		return b.send(ctx, op, tx)
	})
	return changes, decided, failed(op, err)
}

// maxSlugs is how many addresses a workspace has, former ones included.
const maxSlugs = 10

// keepSlug makes a slug one of a workspace's, of which the oldest may be given up
// for it. It fails when another has it, or had it before.
func (b *batch) keepSlug(ws core.WorkspaceID, slug string) {
	b.exec("DELETE FROM slugs WHERE "+inWorkspace+" AND slug = $2", ws, slug) // it becomes the newest
	b.exec("INSERT INTO slugs (workspace, slug) VALUES ($1, $2)", ws, slug)
	b.exec("DELETE FROM slugs WHERE "+inWorkspace+" AND slug NOT IN (SELECT slug FROM slugs WHERE "+inWorkspace+" ORDER BY position DESC LIMIT $2)",
		ws, maxSlugs)
}

func (b *batch) putWorkspace(ws core.WorkspaceID, w core.Workspace) {
	b.must(missing("postgres.PutWorkspace"), "UPDATE workspaces SET slug = $2, name = $3, time_zone = $4, locale = $5 WHERE id = $1",
		ws, w.Slug, w.Name, w.TimeZone, w.Locale)
	b.keepSlug(ws, w.Slug)
	b.bumpEpoch(ws)
}

// deleteTime bounds the deletion of a workspace, which is as long as it has rows.
const deleteTime = 10 * time.Minute

// DeleteWorkspace implements core/workspace's Store. It asks the schema which
// tables hold rows of workspaces, so that none can be forgotten.
func (db *DB) DeleteWorkspace(ctx context.Context, ws core.WorkspaceID) error {
	const op = "postgres.DeleteWorkspace"
	tables, err := db.workspaceTables(ctx)
	if err != nil {
		return err
	}
	select {
	case db.deleting <- struct{}{}:
		defer func() { <-db.deleting }()
	case <-ctx.Done():
		return &core.Error{Op: op, Kind: core.Timeout, Err: ctx.Err(), Msg: "Other workspaces are being deleted. Try again when they are gone."}
	}
	leave, err := db.writing.enter(ctx, ws)
	if err != nil {
		return err
	}
	defer leave()
	b := within(ws)
	b.exec("SELECT set_config('statement_timeout', $1, true)", strconv.FormatInt(deleteTime.Milliseconds(), 10))
	b.exec("SELECT FROM heads WHERE "+inWorkspace+" FOR UPDATE", ws) // as every commit does first
	for _, table := range tables {
		if table != `"tokens"` {
			b.exec("DELETE FROM "+table+" WHERE "+inWorkspace, ws)
		}
	}
	// Last, as others wait for these: who uses a token, and who records a call.
	b.exec("DELETE FROM tokens WHERE "+inWorkspace, ws)
	b.must(missing(op), "DELETE FROM workspaces WHERE id = $1", ws)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTime)
	defer cancel()
	return db.ended(ctx, b.send(ctx, op, db.writes))
}

// workspaceTables returns the tables that have a column named workspace.
func (db *DB) workspaceTables(ctx context.Context) (tables []string, err error) {
	err = db.find(ctx, "postgres.WorkspaceTables", func(b *batch) {
		b.rows(func(s scanner) error {
			table, err := scanned[string](s)
			tables = append(tables, pgx.Identifier{table}.Sanitize())
			return err
		}, `SELECT t.relname FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid
			WHERE t.relnamespace = $1::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
				AND c.attname = 'workspace' AND NOT c.attisdropped`, schema)
	})
	slices.Sort(tables)
	return tables, err
}
