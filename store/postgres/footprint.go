package postgres

import (
	"context"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// part is a kind of rows a plugin has in a workspace.
type part struct {
	table string
	where string // besides the workspace; %2 and %3 are the arguments
	args  []any
	count *int64
}

// of is the part's rows, as what stands behind FROM.
func (p part) of() string {
	return p.table + " WHERE " + inWorkspace + " AND " + strings.NewReplacer("%2", "$2", "%3", "$3").Replace(p.where)
}

// parts lists what a plugin has in a workspace, and where a count of it goes. The
// first ones are its installation's and end with it; the others are the plugin's,
// and outlive an uninstallation that keeps data.
func parts(plugin core.PluginID, install core.InstallationID, f *core.Footprint) (ofInstallation, ofPlugin []part) {
	// Table and index names begin with `publisher/plugin.`, meters with `plugin.`,
	// receipts' scopes with the installation's id and a space. The upper bounds are
	// the next character of ASCII.
	const named = " = ANY (ARRAY(SELECT number FROM catalog WHERE name >= %2 AND name < %3))"
	names := []any{plugin.String() + ".", plugin.String() + "/"}
	return []part{
			{"receipts", "scope >= %2 AND scope < %3", []any{string(install) + " ", string(install) + "!"}, &f.Receipts},
			{"deliveries", "install = %2", []any{install}, &f.Deliveries},
		}, []part{
			{"documents", "tbl" + named, names, &f.Documents},
			{"entries", "idx" + named, names, &f.Entries},
			{"unique_entries", "idx" + named, names, &f.Entries},
			{"events", "source = %2", []any{"/" + plugin.Name}, &f.Events},
			{"usage_sums", "meter >= %2 AND meter < %3", []any{plugin.Name + ".", plugin.Name + "/"}, &f.Meters},
			{"blobs", "publisher = %2 AND name = %3", []any{plugin.Publisher, plugin.Name}, &f.Blobs},
		}
}

// Footprint implements core/workspace's InstallationStore.
func (db *DB) Footprint(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) (f core.Footprint, err error) {
	const op = "postgres.Footprint"
	var install core.InstallationID
	err = db.read(ctx, op, ws, func(b *batch) {
		b.row(func(s scanner) error { return orNone(s.Scan(&install)) },
			"SELECT id FROM installations WHERE "+inWorkspace+" AND publisher = $2 AND name = $3", ws, plugin.Publisher, plugin.Name)
	})
	if err != nil {
		return f, err
	}
	own, kept := parts(plugin, install, &f)
	if install == "" {
		own = nil
	}
	err = db.read(ctx, op, ws, func(b *batch) {
		for _, p := range append(own, kept...) {
			b.row(func(s scanner) error {
				var n int64
				err := s.Scan(&n)
				*p.count += n
				return err
			}, "SELECT count(*) FROM "+p.of(), append([]any{ws}, p.args...)...)
		}
	})
	return f, err
}

func (b *batch) removeInstallation(ws core.WorkspaceID, r core.RemoveInstallation) {
	b.must(missing("postgres.RemoveInstallation"), "DELETE FROM installations WHERE "+inWorkspace+" AND id = $2", ws, r.ID)
	remove, kept := parts(r.Plugin, r.ID, &core.Footprint{})
	if r.EraseTables {
		// What is on its way to others goes with the event it would have shown them.
		b.exec("DELETE FROM deliveries WHERE "+inWorkspace+" AND event <> '' AND EXISTS ("+
			"SELECT FROM events WHERE "+inWorkspace+
			" AND id BETWEEN deliveries.event AND deliveries.event AND source = $2 ORDER BY id OFFSET 0)", ws, "/"+r.Plugin.Name)
		remove = append(remove, kept...)
	}
	for _, p := range remove {
		b.exec("DELETE FROM "+p.of(), append([]any{ws}, p.args...)...)
	}
	b.bumpEpoch(ws)
}
