package runtime

import (
	"context"
	"errors"
	goruntime "runtime"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// A load that nobody waits for any more ends if it was for an upload, and goes
// on if it was for a call; one that somebody waits for goes on.
func TestLoadsThatNobodyWaitsFor(t *testing.T) {
	for _, c := range []struct {
		name         string
		wanted, stay bool
	}{{"an upload", false, false}, {"a call", true, false}, {"an upload that another waits for", false, true}} {
		t.Run(c.name, func(t *testing.T) {
			var s flights
			begun, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			loaded := &Module{}
			load := func(ctx context.Context) (*Module, error) {
				close(begun)
				select {
				case <-ctx.Done():
				case <-release:
				}
				ended <- ctx.Err()
				return loaded, ctx.Err()
			}
			impatient, leave := context.WithCancel(t.Context())
			left := make(chan error, 1)
			go func() {
				_, err := s.join(impatient, "digest", c.wanted, load)
				left <- err
			}()
			<-begun
			stayed := make(chan *Module, 1)
			if c.stay {
				go func() {
					m, _ := s.join(t.Context(), "digest", false, nil)
					stayed <- m
				}()
				s.waitFor(2)
			}
			leave()
			if err := <-left; core.KindOf(err) != core.Timeout {
				t.Errorf("who left was told %v", err)
			}
			if c.wanted || c.stay {
				close(release)
			}
			if err := <-ended; (err == nil) != (c.wanted || c.stay) || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("the load ended with %v", err)
			}
			if c.stay {
				if m := <-stayed; m != loaded {
					t.Errorf("who stayed got %v", m)
				}
			}
		})
	}
}

// waitFor returns when so many wait for the one load.
func (s *flights) waitFor(askers int) {
	for {
		s.mu.Lock()
		n := 0
		for _, f := range s.of {
			n = f.askers
		}
		s.mu.Unlock()
		if n == askers {
			return
		}
		goruntime.Gosched()
	}
}
