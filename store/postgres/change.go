package postgres

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// change adds the platform changes of a unit of work, and the checks of what they
// come to.
func (b *batch) change(ws core.WorkspaceID, changes []core.Change) error {
	var scheduled, told []core.InstallationID
	once := func(list *[]core.InstallationID, id core.InstallationID) {
		if !slices.Contains(*list, id) {
			*list = append(*list, id)
		}
	}
	for _, change := range changes {
		if err := b.changeOne(ws, change); err != nil {
			return err
		}
		switch put, ok := change.(core.PutDelivery); {
		case ok && put.Delivery.Event == "":
			once(&scheduled, put.Delivery.Install)
		case ok && put.Delivery.Hop > 1: // a listener's
			once(&told, put.Delivery.Install)
		}
	}
	for _, install := range scheduled {
		b.checkWaiting(ws, install)
	}
	for _, install := range told {
		b.checkListening(ws, install)
	}
	return nil
}

func (b *batch) changeOne(ws core.WorkspaceID, change core.Change) error {
	switch c := change.(type) {
	case core.PutInstallation:
		return b.putInstallation(ws, c.Installation)
	case core.RemoveInstallation:
		b.removeInstallation(ws, c)
	case core.PutWorkspace:
		b.putWorkspace(ws, c.Workspace)
	case core.PutMember:
		b.exec(`INSERT INTO members (workspace, account, role, created) VALUES ($1, $2, $3, $4)
			ON CONFLICT (workspace, account) DO UPDATE SET role = excluded.role`, ws, c.Member.Account, c.Member.Role, micros(c.Member.Created))
		b.bumpEpoch(ws)
	case core.RemoveMember:
		b.must(missing("postgres.RemoveMember"), "DELETE FROM members WHERE "+inWorkspace+" AND account = $2", ws, c.Account)
		b.bumpEpoch(ws)
	case core.PutContract:
		b.putContract(ws, c.Contract)
	case core.PutReceipt:
		r := c.Receipt
		b.must(core.E("postgres.PutReceipt", core.Changed, "A request with the same Idempotency-Key was answered at the same time."),
			"INSERT INTO receipts (workspace, scope, key, request_hash, answer, created) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
			ws, r.Scope, r.Key, r.RequestHash[:], string(r.Answer), micros(r.Created))
	case core.AddUsage:
		return b.addUsage(ws, c)
	case core.AppendEvent:
		e := c.Event
		b.exec(`INSERT INTO events (workspace, id, type, version, source, data, cause, hop, time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			ws, e.ID, e.Type, e.Version, e.Source, string(e.Data), e.Cause, e.Hop, micros(e.Time))
	case core.PutDelivery:
		b.putDelivery(ws, c.Delivery)
	case core.CancelDelivery:
		b.exec("DELETE FROM deliveries WHERE "+inWorkspace+" AND id = $2 AND install = $3 AND state = 'pending'", ws, c.ID, c.Install)
	case core.CompleteDelivery:
		b.must(overtaken("postgres.CompleteDelivery", c.ID, c.Attempt), completeQuery, ws, c.ID, c.Attempt)
	case core.HoldDelivery:
		b.must(overtaken("postgres.HoldDelivery", c.ID, c.Attempt), holdQuery, ws, c.ID, c.Attempt, c.Reason)
	case core.SetAsideDelivery:
		b.must(overtaken("postgres.SetAsideDelivery", c.ID, c.Attempt), setAsideQuery, ws, c.ID, c.Attempt, c.Reason)
	case core.AppendAudit:
		b.audit(ws, c.Entry)
	default:
		return core.E("postgres.Change", core.Internal, "This database cannot store a %T.", change)
	}
	return nil
}

// missing is the error of a statement that had to find a row.
func missing(op string) error { return &core.Error{Op: op, Kind: core.NotFound} }

// bumpEpoch makes every view of who may do what in a workspace stale: units
// authorised before it fail their commit with Changed. Whatever changes
// installations, members, roles or contracts adds it to the same batch.
func (b *batch) bumpEpoch(ws core.WorkspaceID) {
	b.exec("UPDATE heads SET auth_epoch = auth_epoch + 1 WHERE "+inWorkspace, ws)
}

func (b *batch) audit(ws core.WorkspaceID, e core.AuditEntry) {
	b.exec("INSERT INTO audit (workspace, time, actor, action, subject) VALUES ($1, $2, $3, $4, $5)", ws, micros(e.Time), e.Actor, e.Action, e.Subject)
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
		ws, in.ID, in.Alias, in.Version, in.Digest, in.State, string(grants), settings, string(scopes), in.Revision, micros(in.Updated), in.Revision-1)
	if in.State == core.InstallationEnabled {
		b.exec(resumeQuery+" AND install = $3", ws, micros(in.Updated), in.ID)
	}
	b.bumpEpoch(ws)
	return nil
}

func (b *batch) putContract(ws core.WorkspaceID, c core.Contract) {
	b.exec("UPDATE contracts SET ended = $2 WHERE "+inWorkspace+" AND ended = 0", ws, micros(c.Began))
	b.exec("INSERT INTO contracts (workspace, id, plan, began, ended) VALUES ($1, $2, $3, $4, 0)", ws, c.ID, c.Plan, micros(c.Began))
	b.exec(resumeQuery, ws, micros(c.Began)) // the store doesn't know what a plan includes; who tries them does
	b.bumpEpoch(ws)
}

// maxSlugs is how many addresses a workspace has, former ones included.
const maxSlugs = 10

// keepSlug makes a slug one of a workspace's, of which the oldest may be given up
// for it. It fails when another has it, or had it before.
func (b *batch) keepSlug(ws core.WorkspaceID, slug string) {
	b.exec("DELETE FROM slugs WHERE "+inWorkspace+" AND slug = $2", ws, slug) // it becomes the newest
	b.exec("INSERT INTO slugs (workspace, slug) VALUES ($1, $2)", ws, slug)
	b.exec("DELETE FROM slugs WHERE "+inWorkspace+" AND slug NOT IN (SELECT slug FROM slugs WHERE "+inWorkspace+" ORDER BY position DESC LIMIT $2)",
		ws, maxSlugs)
}

func (b *batch) putWorkspace(ws core.WorkspaceID, w core.Workspace) {
	b.must(missing("postgres.PutWorkspace"), "UPDATE workspaces SET slug = $2, name = $3, time_zone = $4, locale = $5 WHERE id = $1",
		ws, w.Slug, w.Name, w.TimeZone, w.Locale)
	b.keepSlug(ws, w.Slug)
	b.bumpEpoch(ws)
}

// addUsage adds to a meter. A limit is on the workspace's sum over all its
// installations, those that are gone included: their data may still be there.
func (b *batch) addUsage(ws core.WorkspaceID, u core.AddUsage) error {
	const op = "postgres.AddUsage"
	if u.Quantity < -core.MaxUsage || u.Quantity > core.MaxUsage {
		return core.E(op, core.Invalid, "One call adds at most %d to a meter, and takes off no more.", core.MaxUsage)
	}
	var condition string
	var refusal func(used int64) error
	if u.Limit >= 0 && u.Quantity > 0 {
		condition = "used <= $5::bigint - $4::bigint"
		refusal = func(used int64) error {
			return core.E(op, core.QuotaExceeded,
				"The plan includes %d of %s, and %d are used. An owner or admin can change the plan.", u.Limit, u.Meter, used)
		}
		b.usage(ws, u, condition, u.Limit, refusal)
	}
	if u.Quantity >= 0 {
		condition = "greatest(used, own) + $4::bigint <= $5::bigint"
	} else {
		condition = "least(used, own) + $4::bigint >= -$5::bigint"
	}
	b.usage(ws, u, condition, core.MaxUsage, func(int64) error {
		return core.E(op, core.QuotaExceeded,
			"The meter %s can't go beyond %d, nor below -%[2]d. The plugin's author must count in larger units.", u.Meter, core.MaxUsage)
	})
	b.exec(`INSERT INTO usage_sums (workspace, install, meter, quantity) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace, meter, install) DO UPDATE SET quantity = usage_sums.quantity + excluded.quantity`, ws, u.Install, u.Meter, u.Quantity)
	return nil
}

// usage adds a condition on a meter: on what all installations have used, and
// this one on its own.
func (b *batch) usage(ws core.WorkspaceID, u core.AddUsage, condition string, bound int64, refusal func(used int64) error) {
	b.exec(`SELECT expect(`+condition+`, $6, used) FROM (
			SELECT coalesce(sum(quantity), 0)::bigint AS used, coalesce(sum(quantity) FILTER (WHERE install = $2), 0)::bigint AS own
			FROM usage_sums WHERE `+inWorkspace+` AND meter = $3) sums`,
		ws, u.Install, u.Meter, u.Quantity, bound, int32(b.unless(refusal)))
}
