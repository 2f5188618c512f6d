package main

import (
	"context"
	"path/filepath"

	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/machine"
)

// pocketbase is PocketBase with hooks in JavaScript, which it asks nobody's token
// for. Its list is its own API, without the count of all it would add.
type pocketbase struct {
	machine.Process
	programs    machine.Programs
	synchronous string
}

func (p *pocketbase) start(ctx context.Context, dir string) error {
	binary, err := p.programs.Build("pocketbase", ".", "./http/pocketbase")
	if err != nil {
		return err
	}
	hooks, err := filepath.Abs("http/pocketbase/hooks")
	if err != nil {
		return err
	}
	return p.Launch(ctx, dir, binary, "--dir", filepath.Join(dir, "data"),
		"--hooks", hooks, "--migrations", filepath.Join(filepath.Dir(hooks), "migrations"), "--synchronous", p.synchronous)
}

func (p *pocketbase) ask(w client.Work) client.Ask {
	return client.Ask{Path: map[string]string{
		client.Hook.Name: "/desk/receipt", client.Insert.Name: "/desk/arrivals", client.Seed.Name: "/desk/contacts",
		client.List20.Name: "/api/collections/contacts/records?perPage=20&skipTotal=1",
	}[w.Name], Status: client.Status(w)}
}
