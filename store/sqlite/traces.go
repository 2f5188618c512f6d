package sqlite

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// Deliveries implements web/api's History.
func (h History) Deliveries(ctx context.Context, ws core.WorkspaceID, state core.DeliveryState, before core.DeliveryID, limit int) ([]core.Delivery, error) {
	where, args := "", []any{ws, before, limit}
	switch state {
	case "":
	case core.DeliverySetAside: // a literal, for the index of what somebody has to look at
		where = " AND state = 'set_aside'"
	default:
		where = " AND state = ?4"
		args = append(args, state)
	}
	rows, err := h.db.read.QueryContext(ctx, "SELECT "+deliveryColumns+" FROM deliveries WHERE "+inWorkspace+
		" AND (?2 = '' OR id < ?2)"+where+" ORDER BY id DESC LIMIT ?3", args...)
	list, err := collect(rows, err, scanDelivery)
	return list, failed("sqlite.Deliveries", err)
}

// DeliveriesOf implements web/api's History.
func (h History) DeliveriesOf(ctx context.Context, ws core.WorkspaceID, events []core.EventID) ([]core.Delivery, error) {
	rows, err := h.db.read.QueryContext(ctx, "SELECT "+deliveryColumns+" FROM deliveries WHERE "+inWorkspace+
		" AND event <> '' AND event IN (SELECT value FROM json_each(?)) ORDER BY id", ws, jsonList(events))
	list, err := collect(rows, err, scanDelivery)
	return list, failed("sqlite.DeliveriesOf", err)
}

// Attempts implements web/api's History.
func (h History) Attempts(ctx context.Context, ws core.WorkspaceID, deliveries []core.DeliveryID) ([]core.InvocationRecord, error) {
	rows, err := h.db.read.QueryContext(ctx, "SELECT "+invocationColumns+" FROM invocations WHERE "+inWorkspace+
		" AND delivery <> '' AND delivery IN (SELECT value FROM json_each(?)) ORDER BY id", ws, jsonList(deliveries))
	list, err := collect(rows, err, func(s scanner) (core.InvocationRecord, error) { return scanInvocation(s, ws) })
	return list, failed("sqlite.Attempts", err)
}
