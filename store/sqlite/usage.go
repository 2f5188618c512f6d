package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
)

// UsageSums implements core/billing's Store. One of them, of no installation, is what
// the blobs count for.
func (db *DB) UsageSums(ctx context.Context, ws core.WorkspaceID) ([]core.UsageSum, error) {
	rows, err := db.read.QueryContext(ctx,
		"SELECT install, meter, quantity FROM usage_sums WHERE "+inWorkspace+" UNION ALL SELECT '', ?, ("+selectCounted+")"+
			" WHERE EXISTS (SELECT 1 FROM blobs WHERE "+inWorkspace+") ORDER BY 2, 1", ws, core.MeterBlobs, ws, ws)
	sums, err := collect(rows, err, func(s scanner) (sum core.UsageSum, err error) {
		err = s.Scan(&sum.Install, &sum.Meter, &sum.Quantity)
		return sum, err
	})
	return sums, failed("sqlite.UsageSums", err)
}

// addUsage adds to a meter. A limit is on the workspace's sum over all its
// installations, those that are gone included: their data may still be there.
func addUsage(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, u core.AddUsage) error {
	const op = "sqlite.AddUsage"
	if u.Quantity < -core.MaxUsage || u.Quantity > core.MaxUsage {
		return core.E(op, core.Invalid, "One call adds at most %d to a meter, and takes off no more.", core.MaxUsage)
	}
	var used, own int64
	err := tx.QueryRowContext(ctx, "SELECT coalesce(sum(quantity), 0), coalesce(sum(iif(install = ?, quantity, 0)), 0) FROM usage_sums WHERE "+inWorkspace+" AND meter = ?",
		u.Install, ws, u.Meter).Scan(&used, &own)
	if err != nil {
		return failed(op, err)
	}
	if u.Limit >= 0 && u.Quantity > 0 && used > u.Limit-u.Quantity {
		return core.E(op, core.QuotaExceeded,
			"The plan includes %d of %s, and %d are used. An owner or admin can change the plan.", u.Limit, u.Meter, used)
	}
	for _, sum := range []int64{used + u.Quantity, own + u.Quantity} {
		if u.Quantity < 0 && sum < -core.MaxUsage || u.Quantity > 0 && sum > core.MaxUsage {
			return core.E(op, core.QuotaExceeded,
				"The meter %s can't go beyond %d, nor below -%[2]d. The plugin's author must count in larger units.",
				u.Meter, core.MaxUsage)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO usage_sums (workspace, install, meter, quantity) VALUES (?, ?, ?, ?)
		ON CONFLICT (workspace, meter, install) DO UPDATE SET quantity = quantity + excluded.quantity`, ws, u.Install, u.Meter, u.Quantity)
	return failed(op, err)
}
