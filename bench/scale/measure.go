package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/bench/carrel"
	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/machine"
)

const (
	plans = `{"plans": [{"id": "all", "title": "All", "summary": "Everything", "price": {"amount": 900, "currency": "EUR"},
		"plugins": ["*"], "quotas": {"core.members": 5}, "limits": {"fuel": 2000000000}}]}`

	model = "model-room" // that all others are copies of
	asked = 200          // workspaces that are asked for something, in both systems
	// connections ask at the same time: few, so that what is measured is the server
	// and not a queue before it.
	connections = 4
	// warmCalls are made of each of the workspaces that are asked before anything
	// is measured.
	warmCalls = 6
	// rest is how long nothing is asked before a measurement.
	rest = 500 * time.Millisecond
	// settle is how long after a start its memory is looked at.
	settle = 3 * time.Second
)

// plugins are those installed in every workspace.
var plugins = []string{"../plugins-src/crm", "guests/desk", "guests/bell", "guests/list", "guests/tide"}

// result is what was measured on a store.
type result struct {
	store       string
	workspaces  int
	filled      time.Duration // what it took to fill the full one
	empty, full system
	neighbours  machine.Processors
}

// system is one of the two servers.
type system struct {
	carrel.Server
	n atomic.Int64 // of requests

	starts               []time.Duration // until it was ready
	startCPU             []float64       // seconds of processor time until then
	afterStart, afterAll float64         // resident memory after the last start, and after the calls; MB
	p50, p99             []float64       // of calls, each round; µs
}

// on measures on a store, in a new folder.
func (o *options) on(ctx context.Context, store, dir string, built machine.Programs, pg *machine.Postgres) (_ *result, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	r := &result{store: store, workspaces: o.workspaces}
	for _, one := range []struct {
		to    *system
		name  string
		extra int
	}{{&r.empty, "empty", 0}, {&r.full, "full", o.workspaces}} {
		one.to.Server = carrel.Server{Programs: built, Postgres: pg, Database: one.name, Plugins: plugins, Plans: plans}
		if err := one.to.prepare(ctx, dir+"/"+one.name); err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
		began := time.Now()
		if err := one.to.fill(ctx, one.extra); err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
		r.filled = time.Since(began)
	}
	both := []*system{&r.empty, &r.full}
	for range o.starts {
		for _, s := range both {
			if err := errors.Join(s.Stop(), s.ready(ctx)); err != nil {
				return nil, err
			}
		}
	}
	defer func() { err = errors.Join(err, r.empty.Stop(), r.full.Stop()) }()
	time.Sleep(settle)
	for _, s := range both {
		s.afterStart = s.Resident()
		if err := s.seed(); err != nil {
			return nil, err
		}
	}
	for n := range o.rounds {
		for i := range both {
			s := both[(i+n)%len(both)]
			r.neighbours.Watch(rest)
			if err := s.call(ctx, o.cell); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range both {
		s.afterAll = s.Resident()
	}
	return r, nil
}

// prepare makes a server with one workspace, over HTTP, and stops it.
func (s *system) prepare(ctx context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := s.Prepare(ctx, dir); err != nil {
		return err
	}
	if err := s.Serve(ctx); err != nil {
		return err
	}
	return errors.Join(s.Workspace(ctx, model, "all", s.Published()...), s.Stop())
}

// fill makes the workspaces that are asked, and others that are not.
func (s *system) fill(ctx context.Context, extra int) error {
	f, err := openStore(ctx, &s.Server, model)
	if err != nil {
		return err
	}
	err = f.copies(ctx, "asked", asked, carrel.OwnerEmail)
	if err == nil {
		err = f.copies(ctx, "other", extra, "")
	}
	return errors.Join(err, f.db.Close())
}

// ready starts the server, and waits until it says that it is ready.
func (s *system) ready(ctx context.Context) error {
	began := time.Now()
	if err := s.Serve(ctx); err != nil {
		return err
	}
	answer, err := http.Get("http://" + s.Host() + "/readyz")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	s.starts, s.startCPU = append(s.starts, time.Since(began)), append(s.startCPU, s.CPU())
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it serves, but is not ready: %s", answer.Status)
	}
	return nil
}

// seed puts into each workspace that is asked what is listed, and makes the first
// calls of everything.
func (s *system) seed() error {
	return s.connected(func(c *client.Connection, first int) error {
		for at := first; at < asked; at += connections {
			ws := fmt.Sprint("asked", at)
			for n := range client.Listed {
				if err := c.Do(client.Seed, s.Ask(ws, client.Seed), n); err != nil {
					return err
				}
			}
			for range warmCalls {
				if err := s.do(c, ws); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// do makes the next request to a workspace: each kind of work in turn.
func (s *system) do(c *client.Connection, ws string) error {
	n := int(s.n.Add(1))
	w := client.Works[n%len(client.Works)]
	return c.Do(w, s.Ask(ws, w), client.Seeded+n)
}

// call measures calls for a while, of each workspace that is asked in turn.
func (s *system) call(ctx context.Context, during time.Duration) error {
	times := make([][]time.Duration, connections)
	began := time.Now()
	err := s.connected(func(c *client.Connection, i int) error {
		for at := i; time.Since(began) < during && ctx.Err() == nil; at += connections {
			asks := time.Now()
			if err := s.do(c, fmt.Sprint("asked", at%asked)); err != nil {
				return err
			}
			times[i] = append(times[i], time.Since(asks))
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	quantile := func(q float64) float64 { return float64(all[int(q*float64(len(all)-1))].Nanoseconds()) / 1e3 }
	s.p50, s.p99 = append(s.p50, quantile(0.50)), append(s.p99, quantile(0.99))
	return nil
}

// connected runs do on every connection at the same time.
func (s *system) connected(do func(c *client.Connection, n int) error) error {
	errs := make([]error, connections)
	var done sync.WaitGroup
	for i := range connections {
		c, err := client.Dial(s.Host())
		if err != nil {
			return err
		}
		defer c.Close()
		done.Go(func() { errs[i] = do(c, i) })
	}
	done.Wait()
	return errors.Join(errs...)
}
