package runtime

import (
	"context"
	"sync"

	"github.com/carrel-dev/carrel/core"
)

// flights are the loads under way, one of each digest, whoever asks.
type flights struct {
	mu sync.Mutex
	of map[core.Digest]*flight
}

// flight is one load.
type flight struct {
	ended  chan struct{}
	module *Module // when it has ended
	err    error

	askers int
	wanted bool // even if every asker left
	cancel context.CancelFunc
}

// join waits for the load of a digest, which it begins if nobody has: load must
// not end with the patience of one asker. It goes on when all have left if one
// of them wanted that, as who calls a plugin does, who will call again; else
// there is nobody to compile a module for.
func (s *flights) join(ctx context.Context, digest core.Digest, wanted bool, load func(context.Context) (*Module, error)) (*Module, error) {
	s.mu.Lock()
	f := s.of[digest]
	if f == nil {
		work, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f = &flight{ended: make(chan struct{}), cancel: cancel}
		if s.of == nil {
			s.of = map[core.Digest]*flight{}
		}
		s.of[digest] = f
		go func() {
			defer cancel()
			m, err := load(work)
			s.mu.Lock()
			f.module, f.err = m, err
			s.forget(digest, f)
			s.mu.Unlock()
			close(f.ended)
		}()
	}
	f.askers++
	f.wanted = f.wanted || wanted
	s.mu.Unlock()

	select {
	case <-f.ended:
		return f.module, f.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.askers--; f.askers == 0 && !f.wanted {
		f.cancel()
		s.forget(digest, f) // who asks now gets another
	}
	return nil, &core.Error{Op: "runtime.Load", Kind: core.Timeout, Err: ctx.Err(),
		Msg: "The plugin's module is still being made ready, which a server does once for each. Try again in some seconds."}
}

// forget makes the next asker begin anew; the caller holds the lock.
func (s *flights) forget(digest core.Digest, f *flight) {
	if s.of[digest] == f {
		delete(s.of, digest)
	}
}
