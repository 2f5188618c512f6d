package postgres

import (
	"encoding/json"
	"errors"

	"github.com/carrel-dev/carrel/core"
)

// installations adds the question of what a workspace has installed.
func (b *batch) installations(ws core.WorkspaceID, into *[]core.Installation) {
	b.rows(func(s scanner) error {
		in := core.Installation{Workspace: ws}
		var grants, settings, scopes string
		var created, updated int64
		err := s.Scan(&in.ID, &in.Plugin.Publisher, &in.Plugin.Name, &in.Alias, &in.Version, &in.Digest, &in.State,
			&grants, &settings, &scopes, &in.Revision, &created, &updated)
		if err != nil {
			return err
		}
		in.Settings = json.RawMessage(settings)
		in.Created, in.Updated = fromMicros(created), fromMicros(updated)
		err = errors.Join(json.Unmarshal([]byte(grants), &in.Grants), json.Unmarshal([]byte(scopes), &in.RoleScopes))
		*into = append(*into, in)
		return core.Wrap("postgres.Installations", core.Internal, err)
	}, `SELECT id, publisher, name, alias, version, digest, state, grants, settings, role_scopes, revision, created, updated
		FROM installations WHERE `+inWorkspace+` ORDER BY alias`, ws)
}

// putInstallation inserts revision 1, and updates to any later one if the stored
// one is the revision before.
func (b *batch) putInstallation(ws core.WorkspaceID, in core.Installation) error {
	const op = "postgres.PutInstallation"
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
		there := core.E(op, core.Exists, "%s or the alias %s is installed in this workspace already.", in.Plugin, in.Alias)
		b.unique("installations_workspace_alias_key", there)
		b.unique("installations_workspace_publisher_name_key", there)
		b.exec(`INSERT INTO installations
			(workspace, id, publisher, name, alias, version, digest, state, grants, settings, role_scopes, revision, created, updated)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			ws, in.ID, in.Plugin.Publisher, in.Plugin.Name, in.Alias, in.Version, in.Digest, in.State,
			string(grants), settings, string(scopes), in.Revision, micros(in.Created), micros(in.Updated))
		b.bumpEpoch(ws)
		return nil
	}
	b.unique("installations_workspace_alias_key", core.E(op, core.Exists, "The alias %s belongs to another installation.", in.Alias))
	b.must(core.E(op, core.Changed, "The installation was changed or removed at the same time."), `UPDATE installations
		SET alias = $3, version = $4, digest = $5, state = $6, grants = $7, settings = $8, role_scopes = $9, revision = $10, updated = $11
		WHERE `+inWorkspace+` AND id = $2 AND revision = $12`,
		ws, in.ID, in.Alias, in.Version, in.Digest, in.State, string(grants), settings, string(scopes), in.Revision, micros(in.Updated),
		in.Revision-1)
	if in.State == core.InstallationEnabled {
		b.exec(resumeQuery+" AND install = $3", ws, micros(in.Updated), in.ID)
	}
	b.bumpEpoch(ws)
	return nil
}
