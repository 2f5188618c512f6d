package postgres

import (
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
		b.putMember(ws, c.Member)
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
