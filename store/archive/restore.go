package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// Restore is how an archive becomes a database again.
type Restore struct {
	// HasKey says which keys there are to open secrets with.
	HasKey func(id string) bool
	// KeyLost restores although a key is missing: what is sealed with it stays, and
	// nobody can open it.
	KeyLost bool
	// Lost are the keys of blobs whose bytes are nowhere: their rows are left out.
	Lost     map[string]bool
	Progress Progress
}

// CheckKeys refuses an archive whose secrets nobody could open.
func (o Restore) CheckKeys(m Manifest) error {
	missing := slices.DeleteFunc(slices.Clone(m.Keys), o.HasKey)
	if len(missing) == 0 || o.KeyLost {
		return nil
	}
	return core.E("archive.Restore", core.Unavailable,
		"The secrets in this archive are sealed with the key %s, and it isn't in the key file. Put the file back where it was (secret.key in "+
			"the data folder), or name it with --secret-key-file. If it is lost for good, --key-is-lost restores everything but these secrets. "+
			"Nothing was changed.", strings.Join(missing, " and "))
}

// All puts everything of a verified archive into a database with nothing in it. The
// caller commits.
func (o Restore) All(ctx context.Context, r *Reader, to Transaction) error {
	const op = "archive.Restore"
	if ws := r.Manifest.Workspace; ws != "" {
		return core.E(op, core.Invalid,
			"This archive is of one workspace. Restore it into a deployment with --workspace %s. Nothing was changed.", ws)
	}
	if err := o.CheckKeys(r.Manifest); err != nil {
		return err
	}
	if err := checkEmpty(ctx, to); err != nil {
		return err
	}
	for _, t := range append(slices.Clone(leftovers), Forgotten...) {
		if err := to.Delete(ctx, t, ""); err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
	}
	for _, t := range Tables {
		if t.Name == "secret_keys" && o.KeyLost {
			continue // a server makes one of its own
		}
		if err := o.insert(ctx, r, to, t, func(row Row) (Row, error) { return row, nil }); err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
	}
	return nil
}

// insert puts the rows of a table that change returns: all but nil.
func (o Restore) insert(ctx context.Context, r *Reader, to Transaction, t Table, change func(Row) (Row, error)) error {
	rows := &batch{to: to, table: t}
	var n int64
	err := r.Rows(ctx, t, func(row Row) error {
		o.Progress.say(t.Name, n)
		n++
		if t.Name == "blobs" && len(o.Lost) > 0 {
			if ws, blob := blobOf(t, row); o.Lost[blob.Key(ws)] {
				return nil
			}
		}
		row, err := change(row)
		if err != nil || row == nil {
			return err
		}
		return rows.add(ctx, row)
	})
	if err != nil {
		return err
	}
	return rows.flush(ctx)
}

// leftovers are the tables that a server fills before anybody has used it, or that
// keep what nobody needs any more.
var leftovers = []Table{known("secret_keys"), known("catalog")}

// checkEmpty refuses a database that somebody uses, and says what is there.
func checkEmpty(ctx context.Context, to Transaction) error {
	const op = "archive.Restore"
	var found []string
	for _, t := range Tables {
		if slices.ContainsFunc(leftovers, func(l Table) bool { return l.Name == t.Name }) {
			continue
		}
		n, err := count(ctx, to, t, 1000)
		if err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
		switch {
		case n == 1000:
			found = append(found, t.Name+" (1000 or more)")
		case n > 0:
			found = append(found, fmt.Sprintf("%s (%d)", t.Name, n))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return core.E(op, core.Exists, "The database isn't empty, it has rows of %s. Restore into a new one, or one workspace with "+
		"--workspace. Nothing was changed.", strings.Join(found, ", "))
}

// count counts rows of a table, up to a number.
func count(ctx context.Context, from Snapshot, t Table, most int64) (n int64, err error) {
	err = from.Rows(ctx, t, "", func(Row) error {
		if n++; n == most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return n, err
}

var errEnough = errors.New("enough")
