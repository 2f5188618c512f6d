package sqlite

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// applyChanges writes the platform changes of a unit of work, and checks what
// they come to.
func applyChanges(ctx context.Context, s session, ws core.WorkspaceID, changes []core.Change) error {
	scheduled, told := map[core.InstallationID]bool{}, map[core.InstallationID]bool{}
	for rest := changes; len(rest) > 0; {
		n, err := applyNext(ctx, s, ws, rest)
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	for _, change := range changes {
		switch put, ok := change.(core.PutDelivery); {
		case ok && put.Delivery.Event == "":
			scheduled[put.Delivery.Install] = true
		case ok && put.Delivery.Hop > 1: // a listener's
			told[put.Delivery.Install] = true
		}
	}
	for install := range scheduled {
		if err := checkWaiting(ctx, s, ws, install); err != nil {
			return err
		}
	}
	for install := range told {
		if err := checkListening(ctx, s, ws, install); err != nil {
			return err
		}
	}
	return nil
}

// applyNext writes the first changes, those of one kind that stand together when there
// are often many of it, and returns how many.
func applyNext(ctx context.Context, s session, ws core.WorkspaceID, changes []core.Change) (int, error) {
	if events := leading[core.AppendEvent](changes); len(events) > 0 {
		return len(events), appendEvents(ctx, s, ws, events)
	}
	if deliveries := leading[core.PutDelivery](changes); len(deliveries) > 0 {
		return len(deliveries), putDeliveries(ctx, s, ws, deliveries)
	}
	return 1, applyChange(ctx, s, ws, changes[0])
}

// leading are the first changes, as long as they are of a kind.
func leading[T core.Change](changes []core.Change) (of []T) {
	for _, change := range changes {
		one, ok := change.(T)
		if !ok {
			break
		}
		of = append(of, one)
	}
	return of
}

// applyChange writes one platform change of a unit of work, in the unit's own
// savepoint: an error undoes the whole unit.
func applyChange(ctx context.Context, s session, ws core.WorkspaceID, change core.Change) error {
	switch c := change.(type) {
	case core.PutInstallation:
		return putInstallation(ctx, s.tx, ws, c.Installation)
	case core.RemoveInstallation:
		return removeInstallation(ctx, s.tx, ws, c)
	case core.PutWorkspace:
		return putWorkspace(ctx, s.tx, ws, c.Workspace)
	case core.PutMember:
		return putMember(ctx, s.tx, ws, c.Member)
	case core.RemoveMember:
		return removeMember(ctx, s.tx, ws, c.Account)
	case core.PutContract:
		return putContract(ctx, s.tx, ws, c.Contract)
	case core.PutReceipt:
		return putReceipt(ctx, s.tx, ws, c.Receipt)
	case core.AddUsage:
		return addUsage(ctx, s.tx, ws, c)
	case core.CancelDelivery:
		return cancelDelivery(ctx, s.tx, ws, c)
	case core.CompleteDelivery:
		return completeDelivery(ctx, s, ws, c)
	case core.HoldDelivery:
		return holdDelivery(ctx, s, ws, c)
	case core.SetAsideDelivery:
		return setAsideDelivery(ctx, s, ws, c)
	case core.PutBlob:
		return putBlob(ctx, s, ws, c)
	case core.AppendAudit:
		return appendAudit(ctx, s.tx, ws, c.Entry)
	default:
		return core.E("sqlite.applyChange", core.Internal, "This database cannot store a %T.", change)
	}
}
