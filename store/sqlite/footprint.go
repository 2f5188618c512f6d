package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/carrel-dev/carrel/core"
)

// part is a kind of rows a plugin has in a workspace.
type part struct {
	table string
	where string // besides the workspace
	args  []any
	count *int64
}

// parts lists what a plugin has in a workspace, and where a count of it goes.
// The first ones are its installation's and end with it; the others are the
// plugin's, and outlive an uninstallation that keeps data.
func parts(plugin core.PluginID, install core.InstallationID, f *core.Footprint) (ofInstallation, ofPlugin []part) {
	// Table and index names begin with `publisher/plugin.`, meters with
	// `plugin.`, receipts' scopes with the installation's id and a space. The
	// upper bounds are the next character of ASCII.
	const named = " IN (SELECT number FROM catalog WHERE name >= ? AND name < ?)"
	names := []any{plugin.String() + ".", plugin.String() + "/"}
	return []part{
			{"receipts", "scope >= ? AND scope < ?", []any{string(install) + " ", string(install) + "!"}, &f.Receipts},
			{"deliveries", "install = ?", []any{install}, &f.Deliveries},
		}, []part{
			{"documents", "tbl" + named, names, &f.Documents},
			{"entries", "idx" + named, names, &f.Entries},
			{"unique_entries", "idx" + named, names, &f.Entries},
			{"events", "source = ?", []any{"/" + plugin.Name}, &f.Events},
			{"usage_sums", "meter >= ? AND meter < ?", []any{plugin.Name + ".", plugin.Name + "/"}, &f.Meters},
			{"blobs", "publisher = ? AND name = ?", []any{plugin.Publisher, plugin.Name}, &f.Blobs},
		}
}

// Footprint implements core/workspace's InstallationStore.
func (db *DB) Footprint(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) (f core.Footprint, err error) {
	const op = "sqlite.Footprint"
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return f, failed(op, err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	var install core.InstallationID
	err = tx.QueryRowContext(ctx, "SELECT id FROM installations WHERE "+inWorkspace+" AND publisher = ? AND name = ?",
		ws, plugin.Publisher, plugin.Name).Scan(&install)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return f, failed(op, err)
	}
	own, kept := parts(plugin, install, &f)
	if install == "" {
		own = nil
	}
	for _, p := range append(own, kept...) {
		var n int64
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+p.table+" WHERE "+inWorkspace+" AND "+p.where, append([]any{ws}, p.args...)...).Scan(&n); err != nil {
			return f, failed(op, err)
		}
		*p.count += n
	}
	return f, nil
}

func removeInstallation(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, r core.RemoveInstallation) error {
	const op = "sqlite.RemoveInstallation"
	result, err := tx.ExecContext(ctx, "DELETE FROM installations WHERE "+inWorkspace+" AND id = ?", ws, r.ID)
	if err := one(op, result, err); err != nil {
		return err
	}
	remove, kept := parts(r.Plugin, r.ID, &core.Footprint{})
	if r.EraseTables {
		// What is on its way to others goes with the event it would have shown them.
		_, err := tx.ExecContext(ctx, "DELETE FROM deliveries WHERE "+inWorkspace+" AND event IN (SELECT id FROM events WHERE "+inWorkspace+" AND source = ?)",
			ws, ws, "/"+r.Plugin.Name)
		if err != nil {
			return failed(op, err)
		}
		remove = append(remove, kept...)
	}
	for _, p := range remove {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+p.table+" WHERE "+inWorkspace+" AND "+p.where, append([]any{ws}, p.args...)...); err != nil {
			return failed(op, err)
		}
	}
	return bumpEpoch(ctx, tx, ws)
}
