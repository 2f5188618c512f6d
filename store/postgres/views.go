package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// viewSchema is where the readable views are, apart from what the server needs.
const viewSchema = "carrel_views"

// maxName is how long a name of Postgres may be, in bytes.
const maxName = 63

// MakeViews makes, or makes anew, a view of each table of a plugin, with a column
// for each field, for people and reports: carrel_views."publisher/plugin.table".
// Whoever reads one needs rights of their own, as the views have none: a superuser
// or role with BYPASSRLS sees all workspaces, a member of carrel_tenant the one
// that carrel.workspace names. A table nobody has written to has no view yet. It
// returns the views' names.
func MakeViews(ctx context.Context, url string, plugin core.PluginID, tables []abi.Table) (names []string, err error) {
	const op = "postgres.MakeViews"
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errAddress(op)
	}
	config.ConnConfig.RuntimeParams["search_path"] = schema
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, unreachable(op, config.ConnConfig, err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+viewSchema); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "GRANT USAGE ON SCHEMA "+viewSchema+" TO "+roleTenant); err != nil {
			return err
		}
		for _, table := range tables {
			name := plugin.String() + "." + table.Name
			if len(name) > maxName {
				return core.E(op, core.Invalid, "A view can't be named %s: Postgres cuts names after %d bytes. Its author can give the table a shorter one.",
					name, maxName)
			}
			var number int64
			switch err := tx.QueryRow(ctx, "SELECT number FROM catalog WHERE name = $1", name).Scan(&number); {
			case errors.Is(err, pgx.ErrNoRows):
				continue
			case err != nil:
				return err
			}
			view := pgx.Identifier{viewSchema, name}.Sanitize()
			for _, statement := range []string{
				"DROP VIEW IF EXISTS " + view, // its columns may be others now
				"CREATE VIEW " + view + " WITH (security_invoker = true) AS " + selectFields(table, number),
				"GRANT SELECT ON " + view + " TO " + roleTenant,
			} {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return err
				}
			}
			names = append(names, viewSchema+`."`+name+`"`)
		}
		return nil
	})
	return names, failed(op, err)
}

// selectFields reads a table's documents with a column for each field.
func selectFields(table abi.Table, number int64) string {
	var b strings.Builder
	b.WriteString("SELECT workspace, id, version, to_timestamp(created / 1e6) AS created_at, to_timestamp(updated / 1e6) AS updated_at")
	taken := map[string]bool{"workspace": true, "id": true, "version": true, "created_at": true, "updated_at": true}
	column := func(name, value string) {
		for taken[name] {
			name += "_"
		}
		taken[name] = true
		b.WriteString(", " + value + " AS " + pgx.Identifier{name}.Sanitize())
	}
	for _, field := range table.Fields {
		member := literal(field.Name)
		text := "(members ->> " + member + ")"
		switch field.Type {
		case abi.TypeInt:
			column(field.Name, text+"::bigint")
		case abi.TypeFloat:
			column(field.Name, text+"::double precision")
		case abi.TypeBool:
			column(field.Name, text+"::boolean")
		case abi.TypeDate:
			column(field.Name, text+"::date")
		case abi.TypeTime:
			column(field.Name, text+"::timestamptz")
		case abi.TypeMoney: // in minor units
			column(field.Name+"_amount", "(members -> "+member+" ->> 'amount')::bigint")
			column(field.Name+"_currency", "members -> "+member+" ->> 'currency'")
		case abi.TypeJSON, abi.TypeArray, abi.TypeObject:
			column(field.Name, "members -> "+member)
		default:
			column(field.Name, text)
		}
	}
	b.WriteString(" FROM documents, LATERAL (SELECT body::json AS members) body WHERE tbl = " + strconv.FormatInt(number, 10))
	return b.String()
}

// literal is a string constant. Field names are letters, digits and underscores
// (registry); this does not rely on it.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
