package main

import (
	"context"
	"fmt"

	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/machine"
)

// contender is one implementation of the works, as a server in a process of its
// own.
type contender interface {
	// start starts it in an empty folder and leaves it ready to be asked.
	start(ctx context.Context, dir string) error
	// Stop ends it, and says what it wrote to its log if that failed.
	Stop() error
	// ask is how it wants a kind of work to be asked for.
	ask(client.Work) client.Ask
	// CPU is the processor time its process has used, in seconds.
	CPU() float64
	// Host is where it listens.
	Host() string
}

// entry is a contender in the table of results.
type entry struct {
	store, impl string
	contender
	database *machine.Postgres // nil: none besides its own process
}

// String implements fmt.Stringer.
func (e entry) String() string { return e.impl + " on " + e.store }

// entries are the contenders.
func entries(p machine.Programs, pg *machine.Postgres) []entry {
	return []entry{
		{"sqlite", "carrel", newCarrel(p, nil), nil},
		{"sqlite", "pocketbase", &pocketbase{programs: p, synchronous: "NORMAL"}, nil},
		{"sqlite", "pocketbase-full", &pocketbase{programs: p, synchronous: "FULL"}, nil},
		{"sqlite", "fiber", &native{programs: p}, nil},
		{"postgres", "carrel", newCarrel(p, pg), pg},
		{"postgres", "fiber", &native{programs: p, postgres: pg}, pg},
	}
}

// prepare starts a contender, seeds what is listed, and sees to it that it answers
// everything rightly before anything is measured.
func (e entry) prepare(ctx context.Context, dir string) error {
	if err := e.start(ctx, dir); err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	c, err := client.Dial(e.Host())
	if err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	defer c.Close()
	for n := range client.Seeded {
		if err := c.Do(client.Seed, e.ask(client.Seed), n); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	for _, w := range client.Works {
		if err := c.Do(w, e.ask(w), 0); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	return nil
}
