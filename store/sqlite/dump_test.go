package sqlite

import (
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/store/archive"
)

// An archive has every column of every table, or it is said which it leaves out.
func TestAnArchiveHasEveryColumn(t *testing.T) {
	var want, got []string
	for _, table := range archive.Tables {
		for _, c := range table.Columns {
			if column(table, c.Name) != "rowid" {
				want = append(want, table.Name+"."+c.Name)
			}
		}
	}
	left := []string{"goose_db_version", "sqlite_sequence"}
	for _, table := range archive.Forgotten {
		left = append(left, table.Name)
	}
	each(t, openTest(t), `SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'`,
		func(scan func(...any) error) error {
			var found string
			err := scan(&found)
			if name, _, _ := strings.Cut(found, "."); !slices.Contains(left, name) && found != "deliveries.later" { // found by its time
				got = append(got, found)
			}
			return err
		})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the tables have the columns\n%q\nand an archive has\n%q", got, want)
	}
}
