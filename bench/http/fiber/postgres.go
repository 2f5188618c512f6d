package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresPeople keeps people in a Postgres, one commit an insert. pgx prepares
// each statement once a connection.
type postgresPeople struct{ pool *pgxpool.Pool }

// connections is as many as clients ask at the same time.
const connections = 16

func openPostgres(ctx context.Context, address string) (*postgresPeople, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		if _, err := pool.Exec(ctx, fmt.Sprintf(schema, table), pgx.QueryExecModeSimpleProtocol); err != nil {
			return nil, err
		}
	}
	return &postgresPeople{pool}, nil
}

func (s *postgresPeople) insert(ctx context.Context, table string, p person) error {
	_, err := s.pool.Exec(ctx, "INSERT INTO "+table+" (id, email, name, phone, lifecycle, source, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		p.ID, p.Email, p.Name, p.Phone, p.Lifecycle, p.Source, p.Created.UnixMicro(), p.Updated.UnixMicro())
	return err
}

func (s *postgresPeople) first(ctx context.Context, table string, limit int) ([]person, error) {
	rows, err := s.pool.Query(ctx, "SELECT id, email, name, phone, lifecycle, source, created, updated FROM "+table+" ORDER BY id LIMIT $1", limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p person, err error) {
		var created, updated int64
		err = row.Scan(&p.ID, &p.Email, &p.Name, &p.Phone, &p.Lifecycle, &p.Source, &created, &updated)
		p.Created, p.Updated = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
		return p, err
	})
}
