package main

import (
	"context"
	"errors"
	"fmt"
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
	victim = "quiet-room"

	plans = `{"plans": [{"id": "all", "title": "All", "summary": "Everything", "price": {"amount": 900, "currency": "EUR"},
		"plugins": ["*"], "quotas": {"core.members": 5}, "limits": {"fuel": 2000000000}}]}`

	// share is how much of its maximum the quiet workspace asks for.
	share = 0.3
	// soloConnections ask for the maximum.
	soloConnections = 16
	// pool is how many connections the quiet workspace has for requests that are
	// due. There is always a free one, unless the server stands still.
	pool = 64
	// settle is how long the flood is on before anything is asked beside it, and how
	// long nothing is asked before that.
	settle = 2 * time.Second
	// lead is how long the quiet workspace asks before it is measured, alone and beside
	// the flood: a server notices that somebody is back while it answers them.
	lead = time.Second
	// cleared is how long nothing is asked after the noisy workspace was deleted: what
	// it left is written to where it belongs, and its files are cleaned up.
	cleared = 10 * time.Second
)

// result is what was measured on a store.
type result struct {
	store      string
	rounds     []round
	neighbours machine.Processors
}

// round is one measurement alone and one beside the flood.
type round struct {
	maximum       float64 // requests a second that it gets alone
	alone, beside samples
	first         [2]samples // in the lead: alone, and beside the flood
	flood         flooded
}

// samples are how long the answers to each kind of work took, from when the
// request was planned.
type samples map[string][]time.Duration

// all are the times of every kind, sorted.
func (s samples) all() (all []time.Duration) {
	for _, w := range client.Works {
		all = append(all, s[w.Name]...)
	}
	slices.Sort(all)
	return all
}

// on measures on a store, in a new folder.
func (o *options) on(ctx context.Context, store, dir string, built machine.Programs, pg *machine.Postgres) (r result, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return r, err
	}
	s := &carrel.Server{Programs: built, Postgres: pg, Database: "noise", Plugins: []string{"guests/desk", "guests/bell"}, Plans: plans}
	if err := s.Prepare(ctx, dir); err != nil {
		return r, err
	}
	if err := s.Serve(ctx); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := s.Workspace(ctx, victim, "all", "desk", "bell"); err != nil {
		return r, err
	}
	v := &quiet{server: s}
	if err := v.seed(ctx); err != nil {
		return r, err
	}
	r.store = store
	for n := range o.rounds + 1 { // the first warms everything up
		taken, err := o.round(ctx, s, v, n, &r.neighbours)
		if err != nil {
			return r, err
		}
		if n > 0 {
			r.rounds = append(r.rounds, taken)
		}
	}
	return r, nil
}

func (o *options) round(ctx context.Context, s *carrel.Server, v *quiet, n int, neighbours *machine.Processors) (r round, err error) {
	wanted := o.samples
	if n == 0 {
		wanted /= 5
	}
	neighbours.Watch(settle)
	if r.maximum, err = v.most(ctx, o.solo); err != nil {
		return r, err
	}
	rate := r.maximum * share
	time.Sleep(settle)
	if r.first[0], r.alone, err = v.ask(ctx, rate, wanted); err != nil {
		return r, err
	}
	// Always behind it: a flood leaves much to clean up, and alone is what is without one.
	f, err := o.startFlood(ctx, s, fmt.Sprint("noisy-room-", n))
	if err != nil {
		return r, err
	}
	time.Sleep(settle)
	r.first[1], r.beside, err = v.ask(ctx, rate, wanted)
	var stopped error
	r.flood, stopped = f.stop(ctx)
	time.Sleep(cleared)
	return r, errors.Join(err, stopped, s.Postgres.Checkpoint(ctx))
}

// quiet is the workspace that is measured.
type quiet struct {
	server *carrel.Server
	n      atomic.Int64 // of its requests
}

// seed fills what is listed.
func (v *quiet) seed(context.Context) error {
	c, err := client.Dial(v.server.Host())
	if err != nil {
		return err
	}
	defer c.Close()
	for n := range client.Seeded {
		if err := c.Do(client.Seed, v.server.Ask(victim, client.Seed), n); err != nil {
			return err
		}
	}
	v.n.Store(client.Seeded)
	return nil
}

// do makes the next request: each kind of work in turn.
func (v *quiet) do(c *client.Connection) (client.Work, error) {
	n := int(v.n.Add(1))
	w := client.Works[n%len(client.Works)]
	return w, c.Do(w, v.server.Ask(victim, w), n)
}

// most is how many requests a second are answered when each connection asks again
// as soon as it was answered, and nobody else asks.
func (v *quiet) most(ctx context.Context, during time.Duration) (float64, error) {
	var answered atomic.Int64
	began := time.Now()
	err := v.connected(soloConnections, func() {}, func(c *client.Connection) error {
		for time.Since(began) < during && ctx.Err() == nil {
			if _, err := v.do(c); err != nil {
				return err
			}
			answered.Add(1)
		}
		return ctx.Err()
	})
	return float64(answered.Load()) / time.Since(began).Seconds(), err
}

// ask makes so many requests after those of the lead, one each time it is planned,
// however long those before it take.
func (v *quiet) ask(ctx context.Context, rate float64, n int) (first, taken samples, err error) {
	leading := int(rate * lead.Seconds())
	n += leading
	type request struct {
		planned time.Time
		leads   bool
	}
	requests := make(chan request, n) // never full: who plans doesn't wait
	plan := func() {
		defer close(requests)
		began, apart := time.Now(), time.Duration(float64(time.Second)/rate)
		for i := range n {
			planned := began.Add(time.Duration(i) * apart)
			time.Sleep(time.Until(planned))
			if ctx.Err() != nil {
				return
			}
			requests <- request{planned, i < leading}
		}
	}
	var mu sync.Mutex
	first, taken = samples{}, samples{}
	err = v.connected(pool, plan, func(c *client.Connection) error {
		for r := range requests {
			w, err := v.do(c)
			if err != nil {
				return err
			}
			took := time.Since(r.planned)
			into := taken
			if r.leads {
				into = first
			}
			mu.Lock()
			into[w.Name] = append(into[w.Name], took)
			mu.Unlock()
		}
		return nil
	})
	return first, taken, errors.Join(err, ctx.Err())
}

// connected makes so many connections, and then runs do on each and plan beside them.
func (v *quiet) connected(n int, plan func(), do func(*client.Connection) error) error {
	connections := make([]*client.Connection, n)
	for i := range connections {
		c, err := client.Dial(v.server.Host())
		if err != nil {
			return err
		}
		defer c.Close()
		connections[i] = c
	}
	errs := make([]error, n)
	var done sync.WaitGroup
	done.Go(plan)
	for i, c := range connections {
		done.Go(func() { errs[i] = do(c) })
	}
	done.Wait()
	return errors.Join(errs...)
}
