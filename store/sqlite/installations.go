package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/carrel-dev/carrel/core"
)

func readInstallations(ctx context.Context, q querier, ws core.WorkspaceID) ([]core.Installation, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, publisher, name, alias, version, digest, state, grants, settings, role_scopes, revision, created, updated
		FROM installations WHERE `+inWorkspace+` ORDER BY alias`, ws)
	return collect(rows, err, func(s scanner) (core.Installation, error) {
		in := core.Installation{Workspace: ws}
		var grants, settings, scopes string
		var created, updated int64
		err := s.Scan(&in.ID, &in.Plugin.Publisher, &in.Plugin.Name, &in.Alias, &in.Version, &in.Digest, &in.State,
			&grants, &settings, &scopes, &in.Revision, &created, &updated)
		if err != nil {
			return in, err
		}
		in.Settings = json.RawMessage(settings)
		in.Created, in.Updated = fromMicros(created), fromMicros(updated)
		return in, errors.Join(json.Unmarshal([]byte(grants), &in.Grants), json.Unmarshal([]byte(scopes), &in.RoleScopes))
	})
}

// putInstallation inserts revision 1, and updates to any later one if the
// stored one is the revision before.
func putInstallation(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, in core.Installation) error {
	const op = "sqlite.PutInstallation"
	grants, gerr := json.Marshal(in.Grants)
	scopes, serr := json.Marshal(in.RoleScopes)
	if err := errors.Join(gerr, serr); err != nil {
		return core.Wrap(op, core.Internal, err)
	}
	settings := string(in.Settings)
	if settings == "" {
		settings = "{}"
	}
	if in.Revision == 1 {
		_, err := tx.ExecContext(ctx, `INSERT INTO installations
			(workspace, id, publisher, name, alias, version, digest, state, grants, settings, role_scopes, revision, created, updated)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			ws, in.ID, in.Plugin.Publisher, in.Plugin.Name, in.Alias, in.Version, in.Digest, in.State,
			string(grants), settings, string(scopes), in.Revision, micros(in.Created), micros(in.Updated))
		if err = failed(op, err); core.KindOf(err) == core.Exists {
			return core.E(op, core.Exists, "%s or the alias %s is installed in this workspace already.", in.Plugin, in.Alias)
		} else if err != nil {
			return err
		}
		return bumpEpoch(ctx, tx, ws)
	}
	result, err := tx.ExecContext(ctx, `UPDATE installations
		SET alias = ?, version = ?, digest = ?, state = ?, grants = ?, settings = ?, role_scopes = ?, revision = ?, updated = ?
		WHERE `+inWorkspace+` AND id = ? AND revision = ?`,
		in.Alias, in.Version, in.Digest, in.State, string(grants), settings, string(scopes), in.Revision, micros(in.Updated),
		ws, in.ID, in.Revision-1)
	switch err := one(op, result, err); core.KindOf(err) {
	case "":
		if in.State == core.InstallationEnabled {
			if err := resume(ctx, tx, in.Updated, " AND "+inWorkspace+" AND install = ?", ws, in.ID); err != nil {
				return err
			}
		}
		return bumpEpoch(ctx, tx, ws)
	case core.NotFound:
		return core.E(op, core.Changed, "The installation was changed or removed at the same time.")
	case core.Exists:
		return core.E(op, core.Exists, "The alias %s belongs to another installation.", in.Alias)
	default:
		return err
	}
}
