package main

import (
	"context"

	"github.com/carrel-dev/carrel/bench/carrel"
	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/machine"
)

// ours is Carrel's server, with the plugin desk in one workspace.
type ours struct{ carrel.Server }

const (
	workspace = "reading-room"

	// plans has one, with a quota and a limit, as an operator's would.
	plans = `{"plans": [{"id": "desk", "title": "Desk", "summary": "A desk", "price": {"amount": 900, "currency": "EUR"},
		"plugins": ["desk"], "quotas": {"core.members": 5}, "limits": {"fuel": 2000000000}}]}`
)

func newCarrel(p machine.Programs, pg *machine.Postgres) *ours {
	return &ours{carrel.Server{Programs: p, Postgres: pg, Database: "carrel", Plugins: []string{"guests/desk"}, Plans: plans}}
}

func (o *ours) start(ctx context.Context, dir string) error {
	if err := o.Prepare(ctx, dir); err != nil {
		return err
	}
	if err := o.Serve(ctx); err != nil {
		return err
	}
	return o.Workspace(ctx, workspace, "desk", "desk")
}

func (o *ours) ask(w client.Work) client.Ask { return o.Ask(workspace, w) }
