package postgres

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

const ofDeliveries = "deliveries WHERE " + inWorkspace

// Deliveries implements web/api's History.
func (h History) Deliveries(
	ctx context.Context, ws core.WorkspaceID, state core.DeliveryState, before core.DeliveryID, limit int,
) ([]core.Delivery, error) {
	where, args := "", []any{ws, idBelow(before), limit}
	switch state {
	case "":
	case core.DeliverySetAside: // a literal, for the index of what somebody has to look at
		where = " AND state = 'set_aside'"
	default:
		where, args = " AND state = $4", append(args, state)
	}
	return h.deliveries(ctx, "postgres.Deliveries", ws, ofDeliveries+where+below, args...)
}

// DeliveriesOf implements web/api's History.
func (h History) DeliveriesOf(ctx context.Context, ws core.WorkspaceID, events []core.EventID) ([]core.Delivery, error) {
	return h.deliveries(ctx, "postgres.DeliveriesOf", ws, each("deliveries", "event")+" ORDER BY id", ws, texts(events))
}

func (h History) deliveries(
	ctx context.Context, op string, ws core.WorkspaceID, from string, args ...any,
) (list []core.Delivery, err error) {
	err = h.db.read(ctx, op, ws, func(b *batch) {
		b.rows(func(s scanner) error {
			d, err := scanDelivery(s)
			list = append(list, d)
			return err
		}, "SELECT "+deliveryColumns+" FROM "+from, args...)
	})
	return list, err
}

// Delivery implements web/api's History.
func (h History) Delivery(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID) (d core.Delivery, err error) {
	err = h.db.read(ctx, "postgres.Delivery", ws, func(b *batch) { b.delivery(ws, id, &d) })
	return d, err
}

func (b *batch) delivery(ws core.WorkspaceID, id core.DeliveryID, into *core.Delivery) {
	b.row(func(s scanner) (err error) { *into, err = scanDelivery(s); return err },
		"SELECT "+deliveryColumns+" FROM "+ofDeliveries+" AND id = $2", ws, id)
}

// Redrive has a delivery that was set aside begin again, with all its attempts,
// and says in the audit log, in the same transaction, whose wish it was. It is due
// at the entry's time.
func (h History) Redrive(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID, entry core.AuditEntry) (core.Delivery, error) {
	const op = "postgres.Redrive"
	d, err := h.Delivery(ctx, ws, id)
	if err != nil {
		return d, err
	}
	redriven := d
	err = h.db.writeData(ctx, op, ws, func(b *batch) {
		b.must(core.E(op, core.Denied, "The delivery is %s; only one that was set aside can be redriven.", d.State),
			"UPDATE deliveries SET state = 'pending', attempt = 0, due = $3, later = false WHERE "+inWorkspace+" AND id = $2 AND state = 'set_aside'",
			ws, id, micros(entry.Time))
		b.audit(ws, entry)
		b.delivery(ws, id, &redriven)
	})
	if err != nil {
		return d, err
	}
	return redriven, nil
}
