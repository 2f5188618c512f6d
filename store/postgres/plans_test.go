package postgres

import (
	"context"
	"fmt"
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
	"secret_keys":         "it has a row or two",
	"accounts":            "whether there is any",
	"installations":       "once at a start",
	"pg_class":            "which tables there are, to delete a workspace",
	"deliveries_held":     "once at a start: they are tried again",
	"deliveries_schedule": "once at a start",
}

// checkPlans wants every statement a database's connections have prepared to find
// its rows by an index, as the connection itself would run it.
func checkPlans(t testing.TB, db *DB) {
	ctx := context.Background() // t.Context ends before clean-ups
	for _, pool := range []*pgxpool.Pool{db.reads, db.writes, db.platform} {
		for _, conn := range pool.AcquireAllIdle(ctx) {
			if err := checkPlansOf(ctx, t, conn); err != nil {
				t.Error(err)
			}
			conn.Release()
		}
	}
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
		for _, scan := range unindexed(plan) {
			t.Errorf("%s has a whole %s:\n%s", p.statement, scan, strings.Join(plan, "\n"))
		}
	}
	return nil
}

var tableScan = regexp.MustCompile(`(Seq|Index|Index Only) Scan .*`)

// unindexed returns what a plan reads as a whole though it should not.
func unindexed(plan []string) (scans []string) {
	for i, line := range plan {
		scan := tableScan.FindString(line)
		if scan == "" || i+1 < len(plan) && strings.Contains(plan[i+1], "Index Cond:") {
			continue
		}
		if !slices.ContainsFunc(strings.Fields(scan), func(name string) bool { return whole[name] != "" }) {
			scans = append(scans, scan)
		}
	}
	return scans
}
