package main

import (
	"context"
	"path/filepath"
)

// native is the limit: handlers in Go on Fiber, for one purpose and nobody in
// particular.
type native struct {
	process
	programs programs
	postgres *postgres // nil: its data is a file in its folder
}

func (n *native) start(ctx context.Context, dir string) error {
	binary, err := n.programs.build("fiber", ".", "./http/fiber")
	if err != nil {
		return err
	}
	if n.postgres == nil {
		return n.launch(ctx, dir, binary, "--sqlite", filepath.Join(dir, "people.db"))
	}
	url, err := n.postgres.database(ctx, "fiber")
	if err != nil {
		return err
	}
	return n.launch(ctx, dir, binary, "--postgres", url)
}

func (n *native) ask(w work) ask {
	return ask{path: map[string]string{
		hook.name: "/receipt", insert.name: "/arrivals", list20.name: "/contacts?limit=20", seed.name: "/contacts",
	}[w.name], status: statusOf(w)}
}
