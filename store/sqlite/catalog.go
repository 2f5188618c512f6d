package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/store"
)

// Numbers implements store.Backend.
func (d *documents) Numbers(ctx context.Context, names []string) ([]store.Number, error) {
	if numbers := d.numbers.Of(names); numbers != nil {
		return numbers, nil
	}
	given := make(map[string]store.Number, len(names))
	err := d.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, name := range names {
			if _, err := tx.ExecContext(ctx, "INSERT INTO catalog (name) VALUES (?) ON CONFLICT DO NOTHING", name); err != nil {
				return err
			}
			var n store.Number
			if err := tx.QueryRowContext(ctx, "SELECT number FROM catalog WHERE name = ?", name).Scan(&n); err != nil {
				return err
			}
			given[name] = n
		}
		return nil
	})
	if err != nil {
		return nil, failure("sqlite.Numbers", err)
	}
	d.numbers.Add(given)
	return d.numbers.Of(names), nil
}
