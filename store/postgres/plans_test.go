package postgres

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// whole are the tables, and the indexes of a part of one, that are read as a whole,
// and why.
var whole = map[string]string{
	"setup":               "it has one row",
	"leases":              "it has a row for each node",
	"secret_keys":         "it has a row or two",
	"accounts":            "whether there is any",
	"installations":       "once at a start",
	"pg_class":            "which tables there are, to delete a workspace",
	"deliveries_held":     "once at a start: they are tried again",
	"deliveries_schedule": "once at a start",
	"deliveries_turn":     "the same",
}

// sifted are the tables of which a statement looks through all that a workspace has,
// each with a word of the condition it looks with, and why.
var sifted = map[[2]string]string{
	{"documents", "tbl"}:      "when a plugin is uninstalled, which may have put most of them",
	{"entries", "idx"}:        "the same",
	{"unique_entries", "idx"}: "the same",
	{"deliveries", "install"}: "the same",
	{"deliveries", "event"}:   "the same",
	{"events", "source"}:      "the same",
	{"blobs", "name"}:         "the same",
	{"installations", "id"}:   "there are few",
	{"slugs", "slug"}:         "there are at most ten",
	{"slugs", "SubPlan"}:      "the same",
}

// checkPlans wants every statement a database's connections have prepared to find
// its rows by their keys in an index, as the connection itself would run it. Tests
// have few rows, of which Postgres knows nothing, and then, that a workspace has one:
// that is when it plans to read all of them.
func checkPlans(t testing.TB, db *DB) {
	ctx := context.Background() // t.Context ends before clean-ups
	check := func() {
		for _, pool := range []*pgxpool.Pool{db.reads, db.writes, db.platform} {
			for _, conn := range pool.AcquireAllIdle(ctx) {
				if err := checkPlansOf(ctx, t, conn); err != nil {
					t.Error(err)
				}
				conn.Release()
			}
		}
	}
	check()
	analyze := "RESET ROLE; ANALYZE " + strings.Join(slices.Collect(maps.Keys(tables)), ", ") + "; SET ROLE " + rolePlatform
	if _, err := db.platform.Exec(ctx, analyze, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Error(err)
	}
	check()
}

func checkPlansOf(ctx context.Context, t testing.TB, conn *pgxpool.Conn) error {
	type prepared struct {
		name, statement string
		args            int
	}
	rows, err := conn.Query(ctx, "SELECT name, statement, cardinality(parameter_types) FROM pg_prepared_statements",
		pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p prepared, err error) {
		return p, row.Scan(&p.name, &p.statement, &p.args)
	})
	if err != nil {
		return err
	}
	indexes := map[string][]string{}
	rows, err = conn.Query(ctx, `SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_attribute a ON a.attrelid = c.oid WHERE i.indrelid > 16383 GROUP BY c.relname`,
		pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return err
	}
	var index string
	var columns []string
	if _, err := pgx.ForEachRow(rows, []any{&index, &columns}, func() error {
		indexes[index] = slices.Clone(columns)
		return nil
	}); err != nil {
		return err
	}
	for _, p := range list {
		explain := fmt.Sprintf("EXPLAIN (COSTS off) EXECUTE %q", p.name)
		if p.args > 0 {
			explain += "(" + strings.Repeat("NULL, ", p.args-1) + "NULL)"
		}
		rows, err := conn.Query(ctx, explain, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return err
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("%s: %w", p.statement, err)
		}
		for _, fault := range faultsOf(plan, indexes) {
			t.Errorf("%s has a %s:\n%s", p.statement, fault, strings.Join(plan, "\n"))
		}
	}
	return nil
}

var (
	tableScan = regexp.MustCompile(`(Seq|Index|Index Only) Scan .*`)
	// joined is rows compared with each other one by one, and rows kept to be gone
	// through again and again.
	joined = regexp.MustCompile(`Join Filter: .*|Materialize`)
	// wholeWorkspace is a condition that all rows of a workspace meet.
	wholeWorkspace = regexp.MustCompile(`Index Cond: \(\w+ = \(\$\d+\)::text\)$`)
	indexOf        = regexp.MustCompile(` using (\w+) on (\w+)`)
)

// faultsOf returns where a plan looks at more rows than it needs; indexes has the columns
// of each.
func faultsOf(plan []string, indexes map[string][]string) (faults []string) {
	for i, line := range plan {
		if join := joined.FindString(line); join != "" {
			faults = append(faults, join)
		}
		scan := tableScan.FindString(line)
		if scan == "" {
			continue
		}
		below := append(plan[i+1:len(plan):len(plan)], "", "")
		found := indexOf.FindStringSubmatch(line)
		if !strings.Contains(below[0], "Index Cond:") || skips(indexes[found[1]], below[0]) {
			if !slices.ContainsFunc(strings.Fields(scan), func(name string) bool { return whole[name] != "" }) {
				faults = append(faults, "whole "+scan)
			}
		} else if wholeWorkspace.MatchString(below[0]) && sifts(found[2], below[1]) {
			faults = append(faults, scan+", of a workspace's rows each, "+strings.TrimSpace(below[1]))
		}
	}
	return faults
}

// skips reports whether a condition leaves out a column of the index before one it
// has: then all between are gone through.
func skips(columns []string, condition string) bool {
	left := false
	for _, column := range columns {
		has := regexp.MustCompile(`[^.\w]` + column + `[^.\w]`).MatchString(condition)
		if has && left {
			return true
		}
		left = left || !has
	}
	return false
}

// sifts reports whether a line is a filter that depends on more than the statement's
// text (as those of the index itself don't), and is none of sifted.
func sifts(table, filter string) bool {
	if !strings.Contains(filter, "Filter:") || !strings.ContainsAny(filter, "$") && !strings.Contains(filter, "SubPlan") {
		return false
	}
	for of := range sifted {
		if of[0] == table && strings.Contains(filter, of[1]) {
			return false
		}
	}
	return true
}
