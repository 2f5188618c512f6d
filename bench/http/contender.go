package main

import (
	"context"
	"fmt"
)

// contender is one implementation of the works, as a server in a process of its
// own.
type contender interface {
	// start starts it in an empty folder and leaves it ready to be asked.
	start(ctx context.Context, dir string) error
	// stop ends it, and says what it wrote to its log if that failed.
	stop() error
	// ask is how it wants a kind of work to be asked for.
	ask(work) ask
	// cpu is the processor time its process has used, in seconds.
	cpu() float64
	// host is where it listens.
	host() string
}

// ask is a request but for its body, and what status answers it.
type ask struct {
	path   string
	token  string // a bearer token; "": it is asked for anonymously
	status int
}

// entry is a contender in the table of results.
type entry struct {
	store, impl string
	contender
}

// String implements fmt.Stringer.
func (e entry) String() string { return e.impl + " on " + e.store }

// entries are the contenders.
func entries(programs programs, p *postgres) []entry {
	return []entry{
		{"sqlite", "carrel", &carrel{programs: programs}},
		{"sqlite", "pocketbase", &pocketbase{programs: programs, synchronous: "NORMAL"}},
		{"sqlite", "pocketbase-full", &pocketbase{programs: programs, synchronous: "FULL"}},
		{"sqlite", "fiber", &native{programs: programs}},
		{"postgres", "carrel", &carrel{programs: programs, postgres: p}},
		{"postgres", "fiber", &native{programs: programs, postgres: p}},
	}
}

// prepare starts a contender, seeds what is listed, and sees to it that it answers
// everything rightly before anything is measured.
func (e entry) prepare(ctx context.Context, dir string) error {
	if err := e.start(ctx, dir); err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	c, err := dial(e.host())
	if err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	defer c.close()
	for n := range seeded {
		if err := c.do(seed, e.ask(seed), n); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	for _, w := range works {
		if err := c.do(w, e.ask(w), 0); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	return nil
}
