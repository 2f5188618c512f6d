package web

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/web/problem"
)

// Part is something a server needs before it can serve.
type Part struct {
	Name  string // shown to whoever asks: a word such as "database", never an address
	Ready func(context.Context) error
}

// partTime is how long a part may take to say that it is ready.
const partTime = 2 * time.Second

// health is what /readyz answers: of each part whether it is ready, and of the
// server whether it is draining. Anybody may ask, so it says no more than that;
// why a part isn't ready is in the log.
type health struct {
	Ready    bool            `json:"ready"`
	Draining bool            `json:"draining"`
	Parts    map[string]bool `json:"parts"`
}

// healthz says that the process answers. It asks nobody else: who restarts a
// server that isn't alive must not restart it because its database is away.
func healthz(c *fiber.Ctx) error { return c.SendString("ok\n") }

// readyz says whether requests should be sent here.
func (s *Server) readyz(c *fiber.Ctx) error {
	h, err := s.health()
	if err != nil {
		problem.Remember(c, err) // for the log
		c.Status(fiber.StatusServiceUnavailable)
	}
	return c.JSON(h)
}

func (s *Server) health() (health, error) {
	h := health{Draining: s.draining.Load(), Parts: map[string]bool{}}
	var errs []error
	looks := make([]*look, len(s.parts))
	for i := range s.parts {
		looks[i] = s.parts[i].look()
	}
	late := time.NewTimer(partTime)
	defer late.Stop()
	for i, l := range looks {
		name := s.parts[i].Name
		err := fmt.Errorf("did not answer within %s", partTime)
		select {
		case <-l.ended:
			err = l.err
		case <-late.C:
			late.Reset(0) // none of the others has more time
		}
		if h.Parts[name] = err == nil; err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if h.Draining {
		errs = append(errs, errors.New("the server is draining"))
	}
	h.Ready = len(errs) == 0
	return h, core.Wrap("web.readyz", core.Unavailable, errors.Join(errs...))
}

// part looks at a Part once at a time: those who ask meanwhile share what it
// finds, and one that hangs holds a single goroutine, however often it is asked.
type part struct {
	Part
	mu  sync.Mutex
	now *look
}

type look struct {
	ended chan struct{}
	err   error // once ended
}

func (p *part) look() *look {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now != nil {
		return p.now
	}
	l := &look{ended: make(chan struct{})}
	p.now = l
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), partTime)
		defer cancel()
		l.err = p.Ready(ctx)
		p.mu.Lock()
		p.now = nil
		p.mu.Unlock()
		close(l.ended)
	}()
	return l
}

// Drain has /readyz say that no more requests should be sent here. They are
// served all the same, until Shutdown.
func (s *Server) Drain() { s.draining.Store(true) }
