package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/archive"
)

// Name is what an archive calls this kind of database.
const Name = "postgres"

// roleBackup is the role of migrations/00005_backup.sql.
const roleBackup = "carrel_backup"

// Dump is the database at one moment.
type Dump struct {
	Schema int64 // the newest migration

	conn *pgx.Conn
	tx   pgx.Tx
}

var _ archive.Snapshot = (*Dump)(nil)

// Snapshot begins to read the database at the moment it is at now, on a connection
// of its own and without keeping anybody waiting; what is replaced meanwhile takes
// room until it is closed. Invalid: another version of Carrel made the database.
func Snapshot(ctx context.Context, url string) (*Dump, error) {
	const op = "postgres.Snapshot"
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errAddress(op)
	}
	d, err := begin(ctx, config, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, false)
	if refused, ok := asPgError(err); ok && (refused.Code == codeNoRole || refused.Code == codeNoTable) {
		return nil, core.E(op, core.Invalid,
			"There is no Carrel in this database, or one of an earlier version. Use the version of the server that runs on it.")
	}
	if err != nil {
		return nil, unreachable(op, config, err)
	}
	if err := archive.CheckSchema(migrations, d.Schema); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// begin begins a transaction as the role of backups, with no bound on its time. The
// only one is that no server is connected.
func begin(ctx context.Context, config *pgx.ConnConfig, options pgx.TxOptions, only bool) (_ *Dump, err error) {
	config = config.Copy()
	config.RuntimeParams["search_path"], config.RuntimeParams["application_name"] = schema, roleBackup
	for bound := range bounds {
		config.RuntimeParams[bound] = "0"
	}
	d := &Dump{}
	if d.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, err
	}
	if only { // as who logged in, who sees what others do
		err = checkAlone(ctx, d.conn)
	}
	if err == nil {
		_, err = d.conn.Exec(ctx, "SET ROLE "+roleBackup)
	}
	if err == nil {
		d.tx, err = d.conn.BeginTx(ctx, options)
	}
	if err == nil {
		err = d.tx.QueryRow(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&d.Schema)
	}
	if err != nil {
		return nil, errors.Join(err, d.conn.Close(ctx))
	}
	return d, nil
}

// Close implements archive.Snapshot.
func (d *Dump) Close() error { return d.conn.Close(context.Background()) }

// Rows implements archive.Snapshot.
func (d *Dump) Rows(ctx context.Context, t archive.Table, ws core.WorkspaceID, each func(archive.Row) error) error {
	const op = "postgres.Rows"
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	query := "SELECT " + strings.Join(names, ", ") + " FROM " + t.Name
	var args []any
	if ws != "" {
		query += " WHERE " + t.Workspace + " = $1"
		args = append(args, string(ws))
	}
	rows, err := d.tx.Query(ctx, query+" ORDER BY "+strings.Join(t.Key, ", "), args...)
	if err != nil {
		return failed(op, err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			return failed(op, err)
		}
		for i := range row {
			if n, ok := row[i].(int32); ok {
				row[i] = int64(n)
			}
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return failed(op, rows.Err())
}
