package main

import (
	"context"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// postgres is a Postgres of the benchmark's own, which writes to disk as any does.
// It is started when the first database is asked for.
type postgres struct{ cluster *pgtest.Cluster }

// database makes an empty database and returns its URL. The error is
// pgtest.ErrMissing where Postgres is not installed.
func (p *postgres) database(ctx context.Context, name string) (url string, err error) {
	if p.cluster == nil {
		if p.cluster, err = pgtest.NewCluster(true); err != nil {
			return "", err
		}
	}
	return p.cluster.URL(name), p.cluster.Create(ctx, name)
}

func (p *postgres) remove() error {
	if p.cluster == nil {
		return nil
	}
	return p.cluster.Remove()
}
