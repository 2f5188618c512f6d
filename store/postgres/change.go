package postgres

import (
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// change adds the platform changes of units, and the checks of what they come to;
// first is the place of the first unit in its group. Of events and deliveries there
// may be many, so all of a kind are one statement, behind the changes whose order
// with them doesn't matter.
func (b *batch) change(ws core.WorkspaceID, first int, units ...[]core.Change) error {
	var told eventWrites
	var scheduled, listened []core.InstallationID
	once := func(list *[]core.InstallationID, id core.InstallationID) {
		if !slices.Contains(*list, id) {
			*list = append(*list, id)
		}
	}
	for i, changes := range units {
		b.unit = first + i
		for _, change := range changes {
			switch c := change.(type) {
			case core.AppendEvent:
				told.events = append(told.events, c.Event)
			case core.PutDelivery:
				told.deliveries = append(told.deliveries, c.Delivery)
				switch {
				case c.Delivery.Event == "":
					once(&scheduled, c.Delivery.Install)
				case c.Delivery.Hop > 1: // a listener's
					once(&listened, c.Delivery.Install)
				}
			case core.AddUsage, core.PutReceipt, core.CompleteDelivery:
				if err := b.changeOne(ws, c); err != nil {
					return err
				}
			default:
				told.exec(b, ws)
				told = eventWrites{}
				if err := b.changeOne(ws, c); err != nil {
					return err
				}
			}
		}
	}
	told.exec(b, ws)
	for _, install := range scheduled {
		b.checkWaiting(ws, install)
	}
	for _, install := range listened {
		b.checkListening(ws, install)
	}
	return nil
}

// bounded reports whether an installation may have only so many deliveries of this
// kind waiting: jobs, and events that listeners cause.
func bounded(d core.Delivery) bool { return d.Event == "" || d.Hop > 1 }

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
	case core.CancelDelivery:
		b.exec("DELETE FROM deliveries WHERE "+inWorkspace+" AND id = $2 AND install = $3 AND state = 'pending'", ws, c.ID, c.Install)
	case core.CompleteDelivery:
		b.must(overtaken("postgres.CompleteDelivery", c.ID, c.Attempt), completeQuery, ws, c.ID, c.Attempt)
	case core.HoldDelivery:
		b.must(overtaken("postgres.HoldDelivery", c.ID, c.Attempt), holdQuery, ws, c.ID, c.Attempt, c.Reason)
	case core.SetAsideDelivery:
		b.must(overtaken("postgres.SetAsideDelivery", c.ID, c.Attempt), setAsideQuery, ws, c.ID, c.Attempt, c.Reason)
	case core.PutBlob:
		b.putBlob(ws, c)
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
