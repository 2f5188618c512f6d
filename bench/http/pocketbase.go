package main

import (
	"context"
	"path/filepath"
)

// pocketbase is PocketBase with hooks in JavaScript, which it asks nobody's token
// for. Its list is its own API, without the count of all it would add.
type pocketbase struct {
	process
	programs    programs
	synchronous string
}

func (p *pocketbase) start(ctx context.Context, dir string) error {
	binary, err := p.programs.build("pocketbase", ".", "./http/pocketbase")
	if err != nil {
		return err
	}
	hooks, err := filepath.Abs("http/pocketbase/hooks")
	if err != nil {
		return err
	}
	return p.launch(ctx, dir, binary, "--dir", filepath.Join(dir, "data"),
		"--hooks", hooks, "--migrations", filepath.Join(filepath.Dir(hooks), "migrations"), "--synchronous", p.synchronous)
}

func (p *pocketbase) ask(w work) ask {
	return ask{path: map[string]string{
		hook.name: "/desk/receipt", insert.name: "/desk/arrivals", seed.name: "/desk/contacts",
		list20.name: "/api/collections/contacts/records?perPage=20&skipTotal=1",
	}[w.name], status: statusOf(w)}
}
