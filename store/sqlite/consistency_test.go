package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/store/schema"
	"github.com/carrel-dev/carrel/store/storetest"
)

// checkEntries recomputes every index entry of the suite's tables from the
// bodies of the documents, and compares them with those stored: none is
// missing, none is left over.
func checkEntries(t testing.TB, db *DB) (documents int) {
	t.Helper()
	tables, err := schema.Compile(storetest.Tables)
	if err != nil {
		t.Fatal(err)
	}
	numbers := make(map[string]int64)
	each(t, db, "SELECT name, number FROM catalog", func(scan func(...any) error) error {
		var name string
		var n int64
		err := scan(&name, &n)
		numbers[name] = n
		return err
	})
	prefix := storetest.Plugin.String() + "."
	var want, wantUnique []string
	each(t, db, "SELECT workspace, tbl, id, body FROM documents", func(scan func(...any) error) error {
		var ws, id string
		var number int64
		var body []byte
		if err := scan(&ws, &number, &id, &body); err != nil {
			return err
		}
		documents++
		for name, table := range tables {
			if numbers[prefix+name] != number {
				continue
			}
			record, err := table.Load(json.RawMessage(body))
			if err != nil {
				return err
			}
			if again, err := table.Body(record); err != nil || string(again) != string(body) {
				t.Errorf("%s is not canonical: %s", id, body)
			}
			for _, ix := range table.Indexes {
				entry := fmt.Sprintf("%s %d %x %s", ws, numbers[prefix+ix.String()], ix.Key(record), id)
				want = append(want, entry)
				if ix.Unique && ix.Complete(record) {
					wantUnique = append(wantUnique, entry)
				}
			}
		}
		return nil
	})
	compareEntries(t, db, "entries", want)
	compareEntries(t, db, "unique_entries", wantUnique)
	return documents
}

func compareEntries(t testing.TB, db *DB, table string, want []string) {
	t.Helper()
	var got []string
	each(t, db, "SELECT workspace, idx, lower(hex(key)), id FROM "+table, func(scan func(...any) error) error {
		var ws, key, id string
		var idx int64
		err := scan(&ws, &idx, &key, &id)
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %d %s %s", ws, idx, key, id)))
		return err
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %d rows, the bodies make %d", table, len(got), len(want))
		for i := range min(len(got), len(want)) {
			if c := cmp.Compare(got[i], want[i]); c != 0 {
				t.Fatalf("first difference: %s, want %s", got[i], want[i])
			}
		}
	}
}

func each(t testing.TB, db *DB, query string, visit func(scan func(...any) error) error) {
	t.Helper()
	rows, err := db.Reader().QueryContext(context.Background(), query) // t.Context ends before clean-ups
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows.Scan); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
