package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/store/archive"
	"github.com/carrel-dev/carrel/store/storetest"
)

// An archive has every table, and every column that isn't made of others, or it is
// said which it leaves out.
func TestAnArchiveHasEveryColumn(t *testing.T) {
	p := openPlatform(t)
	var want []string
	for _, table := range archive.Tables {
		for _, c := range table.Columns {
			want = append(want, table.Name+"."+c.Name)
		}
	}
	left := []string{"goose_db_version", "leases"} // of the nodes there were
	for _, table := range archive.Forgotten {
		left = append(left, table.Name)
	}
	got := list(t, p.superuser, `SELECT relname || '.' || attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND attnum > 0 AND attgenerated = '' AND NOT attisdropped`, schema)
	got = slices.DeleteFunc(got, func(column string) bool {
		name, _, _ := strings.Cut(column, ".")
		return slices.Contains(left, name) || column == "deliveries.node" || column == "deliveries.later" // of the nodes there were; found by its time
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the tables have the columns\n%q\nand an archive has\n%q", got, want)
	}
}

// TestAttack02_ARestoreWritesItsWorkspaceOnly: whatever statement the role of
// backups runs while its transaction names a workspace, it deletes and inserts no
// row of another; and it never updates one.
func TestAttack02_ARestoreWritesItsWorkspaceOnly(t *testing.T) {
	p := openPlatform(t)
	a, b := storetest.Fill(t, p), storetest.Fill(t, p)
	rows := p.Rows(t, a.ID)
	rows["workspaces"] = 1
	backup := connectAs(t, p.url, roleBackup)
	for name, table := range tables {
		if table.shared {
			continue
		}
		transact(t, backup, a.ID, func(tx pgx.Tx) {
			tag, err := tx.Exec(t.Context(), "DELETE FROM "+name)
			if err != nil || tag.RowsAffected() != int64(rows[name]) {
				t.Errorf("%s: deleted %d rows, %v; the workspace has %d", name, tag.RowsAffected(), err, rows[name])
			}
		})
		row := list(t, p.superuser, "SELECT to_jsonb(r)::text FROM "+name+" r WHERE "+column(name)+" = $1 LIMIT 1", b.ID)
		columns := strings.Join(list(t, p.superuser, `SELECT quote_ident(attname) FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0 AND attidentity = '' AND attgenerated = '' AND NOT attisdropped`, name), ", ")
		transact(t, backup, a.ID, func(tx pgx.Tx) {
			_, err := tx.Exec(t.Context(), "INSERT INTO "+name+" ("+columns+") SELECT "+columns+
				" FROM jsonb_populate_record(NULL::"+name+", $1::jsonb)", row[0])
			wantsRefusal(t, name+": a row is put into another workspace", err)
		})
		transact(t, backup, "", func(tx pgx.Tx) {
			_, err := tx.Exec(t.Context(), "UPDATE "+name+" SET "+column(name)+" = "+column(name))
			if refused, ok := asPgError(err); !ok || refused.Code != "42501" {
				t.Errorf("%s: updated, %v", name, err)
			}
		})
	}
}
