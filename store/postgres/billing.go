package postgres

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// Contracts implements core/billing's Store.
func (db *DB) Contracts(ctx context.Context, ws core.WorkspaceID) (contracts []core.Contract, err error) {
	err = db.read(ctx, "postgres.Contracts", ws, func(b *batch) {
		b.rows(func(s scanner) error {
			c := core.Contract{Workspace: ws}
			var began, ended int64
			err := s.Scan(&c.ID, &c.Plan, &began, &ended)
			c.Began, c.Ended = fromMicros(began), fromMicros(ended)
			contracts = append(contracts, c)
			return err
		}, "SELECT id, plan, began, ended FROM contracts WHERE "+inWorkspace+" ORDER BY ended > 0, began DESC, id DESC", ws)
	})
	return contracts, err
}

// UsageSums implements core/billing's Store. One of them, of no installation, is what
// the blobs count for.
func (db *DB) UsageSums(ctx context.Context, ws core.WorkspaceID) (sums []core.UsageSum, err error) {
	err = db.read(ctx, "postgres.UsageSums", ws, func(b *batch) {
		b.rows(func(s scanner) error {
			var sum core.UsageSum
			err := s.Scan(&sum.Install, &sum.Meter, &sum.Quantity)
			sums = append(sums, sum)
			return err
		}, "SELECT install, meter, quantity FROM usage_sums WHERE "+inWorkspace+" UNION ALL SELECT '', '"+core.MeterBlobs+"', "+counted+
			" WHERE EXISTS (SELECT FROM blobs WHERE "+inWorkspace+") ORDER BY 2, 1", ws)
	})
	return sums, err
}

func (b *batch) putContract(ws core.WorkspaceID, c core.Contract) {
	b.exec("UPDATE contracts SET ended = $2 WHERE "+inWorkspace+" AND ended = 0", ws, micros(c.Began))
	b.exec("INSERT INTO contracts (workspace, id, plan, began, ended) VALUES ($1, $2, $3, $4, 0)", ws, c.ID, c.Plan, micros(c.Began))
	b.exec(resumeQuery, ws, micros(c.Began)) // the store doesn't know what a plan includes; who tries them does
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
		ON CONFLICT (workspace, meter, install) DO UPDATE SET quantity = usage_sums.quantity + excluded.quantity`,
		ws, u.Install, u.Meter, u.Quantity)
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
