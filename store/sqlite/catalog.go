package sqlite

import (
	"context"
	"database/sql"
	"maps"

	"github.com/carrel-dev/carrel/store"
)

// Numbers implements store.Backend.
func (d *documents) Numbers(ctx context.Context, names []string) ([]store.Number, error) {
	if numbers := d.known(names); numbers != nil {
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
	d.mu.Lock()
	maps.Copy(d.numbers, given)
	d.mu.Unlock()
	return d.known(names), nil
}

// known returns the numbers of names, or nil when one is not known yet.
func (d *documents) known(names []string) []store.Number {
	d.mu.Lock()
	defer d.mu.Unlock()
	numbers := make([]store.Number, len(names))
	for i, name := range names {
		n, ok := d.numbers[name]
		if !ok {
			return nil
		}
		numbers[i] = n
	}
	return numbers
}
