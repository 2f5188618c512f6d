package main

import (
	"context"
	"path/filepath"

	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/machine"
)

// native is the limit: handlers in Go on Fiber, for one purpose and nobody in
// particular.
type native struct {
	machine.Process
	programs machine.Programs
	postgres *machine.Postgres // nil: its data is a file in its folder
}

func (n *native) start(ctx context.Context, dir string) error {
	binary, err := n.programs.Build("fiber", ".", "./http/fiber")
	if err != nil {
		return err
	}
	if n.postgres == nil {
		return n.Launch(ctx, dir, binary, "--sqlite", filepath.Join(dir, "people.db"))
	}
	url, err := n.postgres.Database(ctx, "fiber")
	if err != nil {
		return err
	}
	return n.Launch(ctx, dir, binary, "--postgres", url)
}

func (n *native) ask(w client.Work) client.Ask {
	return client.Ask{Path: client.Path(w), Status: client.Status(w)}
}
