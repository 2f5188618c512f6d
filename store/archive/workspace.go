package archive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Find returns the workspace of an archive that has this id or address.
func Find(ctx context.Context, r *Reader, ref string) (ws core.WorkspaceID, slug string, err error) {
	return find(ref, "There is no workspace %s in the archive. Name it by its id, or by the address it had then.",
		func(t Table, each func(Row) error) error { return r.Rows(ctx, t, each) })
}

// find looks for a workspace among the rows of its table.
func find(ref, missing string, rows func(t Table, each func(Row) error) error) (ws core.WorkspaceID, slug string, err error) {
	t := known("workspaces")
	id, address := t.Index("id"), t.Index("slug")
	err = rows(t, func(row Row) error {
		if row[id] == ref || row[address] == ref {
			ws, slug = core.WorkspaceID(row[id].(string)), row[address].(string)
		}
		return nil
	})
	if err == nil && ws == "" {
		err = core.E("archive.Find", core.NotFound, missing, ref)
	}
	return ws, slug, err
}

// kept are the tables with rows of workspaces that restoring one leaves alone:
// tokens are their accounts', and one that was revoked stays so.
var kept = []string{"tokens"}

// Workspace puts one workspace of a verified archive into a database, in place of
// what it has there. Rows of other workspaces are neither changed nor deleted. The
// caller commits. What is numbered differently in different databases is found by
// its name, and its people by their ids or, in another deployment, by their
// addresses; who isn't there gets an account, never an operator's.
func (o Restore) Workspace(ctx context.Context, r *Reader, ws core.WorkspaceID, to Transaction) error {
	const op = "archive.RestoreWorkspace"
	one := &workspace{Restore: o, id: ws, from: r, to: to}
	steps := []func(context.Context) error{one.checkKeys, one.moment, one.empty, one.numbers, one.people, one.addresses}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
	}
	for _, t := range Tables {
		if t.Workspace == "" || t.Name == "slugs" || t.Name == "heads" || slices.Contains(kept, t.Name) {
			continue
		}
		if err := o.insert(ctx, r, to, t, func(row Row) (Row, error) { return one.row(t, row) }); err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
	}
	return nil
}

// workspace is one that is being restored.
type workspace struct {
	Restore
	id   core.WorkspaceID
	from *Reader
	to   Transaction

	number  map[int64]int64   // of a table or index in the archive: the database's
	account map[string]string // of a member in the archive: the database's
}

// rows calls each with the workspace's rows of a table in the archive.
func (w *workspace) rows(ctx context.Context, t Table, each func(Row) error) error {
	of := t.Index(t.Workspace)
	return w.from.Rows(ctx, t, func(row Row) error {
		if row[of] != string(w.id) {
			return nil
		}
		return each(row)
	})
}

// checkKeys refuses secrets that nobody could open, and notes their key: a server
// seals them anew with its own when it starts.
func (w *workspace) checkKeys(ctx context.Context) error {
	t := known("installations")
	settings, sealed := t.Index("settings"), false
	err := w.rows(ctx, t, func(row Row) error {
		sealed = sealed || strings.Contains(row[settings].(string), core.SealedMember)
		return nil
	})
	if err != nil || !sealed || w.KeyLost {
		return err
	}
	if err := w.CheckKeys(w.from.Manifest); err != nil {
		return err
	}
	keys, has := known("secret_keys"), map[any]bool{}
	err = w.to.Rows(ctx, keys, "", func(row Row) error {
		has[row[keys.Index("id")]] = true
		return nil
	})
	for _, id := range w.from.Manifest.Keys {
		if err == nil && !has[id] {
			err = w.to.Insert(ctx, keys, []Row{{id, int64(core.KeySealing)}})
		}
	}
	return err
}

// moment moves the workspace on to one that is later than any that somebody
// remembers of it, be it from before it was deleted: it was never at as many commits
// as a clock has microseconds.
func (w *workspace) moment(ctx context.Context) error {
	heads := known("heads")
	later := Row{string(w.id), time.Now().UnixMicro(), time.Now().UnixMicro()}
	look := func(row Row) error {
		for _, at := range []int{heads.Index("seq"), heads.Index("auth_epoch")} {
			later[at] = max(later[at].(int64), row[at].(int64)+1)
		}
		return nil
	}
	if err := w.rows(ctx, heads, look); err != nil {
		return err
	}
	if err := w.to.Rows(ctx, heads, w.id, look); err != nil {
		return err
	}
	// Every commit waits for this row.
	if err := w.to.Delete(ctx, heads, w.id); err != nil {
		return err
	}
	return w.to.Insert(ctx, heads, []Row{later})
}

// empty deletes what else the workspace has in the database.
func (w *workspace) empty(ctx context.Context) error {
	for _, t := range slices.Backward(Tables) {
		if t.Workspace == "" || t.Name == "heads" || slices.Contains(kept, t.Name) {
			continue
		}
		if err := w.to.Delete(ctx, t, w.id); err != nil {
			return err
		}
	}
	return nil
}

// numbers finds the database's numbers of the archive's tables and indexes by their
// names, and gives numbers to new ones.
func (w *workspace) numbers(ctx context.Context) error {
	catalog := known("catalog")
	number, name := catalog.Index("number"), catalog.Index("name")
	there := map[string]int64{}
	look := func() error {
		return w.to.Rows(ctx, catalog, "", func(row Row) error {
			there[row[name].(string)] = row[number].(int64)
			return nil
		})
	}
	if err := look(); err != nil {
		return err
	}
	added := &batch{to: w.to, table: catalog}
	names := map[int64]string{}
	err := w.from.Rows(ctx, catalog, func(row Row) error {
		n := row[name].(string)
		names[row[number].(int64)] = n
		if _, ok := there[n]; ok {
			return nil
		}
		fresh := slices.Clone(row)
		fresh[number] = nil
		return added.add(ctx, fresh)
	})
	if err == nil {
		err = added.flush(ctx)
	}
	if err == nil {
		err = look()
	}
	w.number = map[int64]int64{}
	for n, name := range names {
		w.number[n] = there[name]
	}
	return err
}

// people finds the accounts of the members, and makes those that are missing.
func (w *workspace) people(ctx context.Context) error {
	members, accounts := known("members"), known("accounts")
	id, email, operator, hash := accounts.Index("id"), accounts.Index("email"), accounts.Index("operator"), accounts.Index("password_hash")
	w.account = map[string]string{}
	err := w.rows(ctx, members, func(row Row) error {
		w.account[row[members.Index("account")].(string)] = ""
		return nil
	})
	if err != nil {
		return err
	}
	byEmail := map[string]string{}
	err = w.to.Rows(ctx, accounts, "", func(row Row) error {
		there := row[id].(string)
		if _, wanted := w.account[there]; wanted {
			w.account[there] = there
		}
		byEmail[row[email].(string)] = there
		return nil
	})
	if err != nil {
		return err
	}
	added := &batch{to: w.to, table: accounts}
	err = w.from.Rows(ctx, accounts, func(row Row) error {
		was := row[id].(string)
		if there, wanted := w.account[was]; !wanted || there != "" {
			return nil
		}
		if there, ok := byEmail[row[email].(string)]; ok {
			w.account[was] = there
			return nil
		}
		w.account[was] = was
		fresh := slices.Clone(row)
		fresh[operator], fresh[hash] = false, "" // whoever made the file may know the password
		return added.add(ctx, fresh)
	})
	if err != nil {
		return err
	}
	for was, there := range w.account {
		if there == "" {
			return fmt.Errorf("the archive has no account of the member %s", was)
		}
	}
	return added.flush(ctx)
}

// addresses restores the workspace's addresses that no other has got since. It must
// have the one it had last.
func (w *workspace) addresses(ctx context.Context) error {
	workspaces, slugs := known("workspaces"), known("slugs")
	position, slug := slugs.Index("position"), slugs.Index("slug")
	taken := map[any]bool{}
	err := w.to.Rows(ctx, slugs, "", func(row Row) error { // its own are deleted
		taken[row[slug]] = true
		return nil
	})
	if err == nil {
		err = w.rows(ctx, workspaces, func(row Row) error {
			if current := row[workspaces.Index("slug")]; taken[current] {
				return core.E("archive.RestoreWorkspace", core.Exists,
					"Another workspace has the address %s now, or had it since. Delete that one first, or restore into another deployment. Nothing was changed.", current)
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	var its []Row
	err = w.rows(ctx, slugs, func(row Row) error {
		if !taken[row[slug]] {
			fresh := slices.Clone(row)
			fresh[position] = nil
			its = append(its, fresh)
		}
		return nil
	})
	if err != nil || len(its) == 0 {
		return err
	}
	return w.to.Insert(ctx, slugs, its)
}

// row is a row of the archive as the database gets it; nil: it is another
// workspace's.
func (w *workspace) row(t Table, row Row) (Row, error) {
	if row[t.Index(t.Workspace)] != string(w.id) {
		return nil, nil
	}
	if t.Number != "" {
		row[t.Index(t.Number)] = nil
	}
	switch t.Name {
	case "members":
		account := t.Index("account")
		row[account] = w.account[row[account].(string)]
	case "deliveries":
		if state := t.Index("state"); row[state] == "running" {
			row[state] = "retry" // whoever had claimed it has nothing to do with it any more
		}
	case "documents":
		return row, w.renumber(row, t.Index("tbl"))
	case "entries", "unique_entries":
		return row, w.renumber(row, t.Index("idx"))
	}
	return row, nil
}

func (w *workspace) renumber(row Row, at int) error {
	n, ok := w.number[row[at].(int64)]
	if !ok {
		return fmt.Errorf("the archive names no table or index with the number %d", row[at])
	}
	row[at] = n
	return nil
}
