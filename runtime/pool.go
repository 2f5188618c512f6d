package runtime

import (
	"container/list"
	"context"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"

	"github.com/carrel-dev/carrel/core"
)

// pool keeps the instances nobody uses, so that the next call of the same
// installation finds one that is pristine already. It bounds how many instances
// live, used ones included, and drops the least recently used.
type pool struct {
	wazero          wazero.Runtime
	perInstallation int // idle instances kept of one module in one installation
	max             int // instances alive
	dirty           bool
	crashes         crashes

	mu     sync.Mutex
	alive  int
	homes  map[homeKey]*home
	order  list.List // of *instance, idle ones, least recently used first
	closed bool
}

// home is where the instances of one module in one installation belong. There
// is one as long as there are any.
type home struct {
	homeKey
	alive int
	idle  []*list.Element
}

type homeKey struct {
	owner  core.InstallationID
	module *Module
}

// take returns an instance for a call: an idle one of its installation, or a
// new one.
func (p *pool) take(ctx context.Context, m *Module, inv *invocation) (*instance, error) {
	key := homeKey{inv.call.Installation, m}
	p.mu.Lock()
	h := p.homes[key]
	if h != nil && len(h.idle) > 0 {
		i := p.remove(h.idle[len(h.idle)-1]) // the one whose memory is warmest
		p.mu.Unlock()
		return i, nil
	}
	p.mu.Unlock()
	if err := p.crashes.wait(ctx, inv.call.Installation); err != nil {
		return nil, inv.late(err)
	}

	var dropped *instance
	p.mu.Lock()
	if p.alive >= p.max {
		oldest := p.order.Front()
		if oldest == nil {
			p.mu.Unlock()
			return nil, errBusy(p.max)
		}
		dropped = p.remove(oldest)
		p.forget(dropped.home)
	}
	if h = p.homes[key]; h == nil {
		h = &home{homeKey: key}
		p.homes[key] = h
	}
	p.alive++
	h.alive++
	p.mu.Unlock()

	if dropped != nil {
		dropped.destroy(ctx)
	}
	i, err := m.instantiate(ctx, p.wazero, inv)
	if err != nil {
		p.mu.Lock()
		p.forget(h)
		p.mu.Unlock()
		return nil, err
	}
	i.home = h
	return i, nil
}

// put takes an instance back after its call. Only one whose call came to a
// clean end is used again.
func (p *pool) put(ctx context.Context, i *instance, clean bool) {
	if !clean {
		p.crashes.count(i.home.owner)
	}
	keep := clean && p.perInstallation > 0 && (p.dirty || i.reset())
	p.mu.Lock()
	if keep = keep && !p.closed && len(i.home.idle) < p.perInstallation; keep {
		i.budget = nil
		i.home.idle = append(i.home.idle, p.order.PushBack(i))
	} else {
		p.forget(i.home)
	}
	p.mu.Unlock()
	if !keep {
		i.destroy(ctx)
	}
}

// remove takes an idle instance out; the caller holds the lock.
func (p *pool) remove(e *list.Element) *instance {
	i := p.order.Remove(e).(*instance)
	at := slices.Index(i.home.idle, e)
	i.home.idle = slices.Delete(i.home.idle, at, at+1)
	return i
}

// forget counts an instance of a home less; the caller holds the lock.
func (p *pool) forget(h *home) {
	p.alive--
	if h.alive--; h.alive == 0 {
		delete(p.homes, h.homeKey)
	}
}

// drop destroys the idle instances of a module.
func (p *pool) drop(ctx context.Context, m *Module) {
	p.destroy(ctx, func(i *instance) bool { return i.of == m })
}

// close destroys the idle instances; those in use follow when they are put.
func (p *pool) close(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.destroy(ctx, func(*instance) bool { return true })
}

func (p *pool) destroy(ctx context.Context, which func(*instance) bool) {
	p.mu.Lock()
	var chosen []*instance
	for e := p.order.Front(); e != nil; {
		next := e.Next()
		if which(e.Value.(*instance)) {
			i := p.remove(e)
			p.forget(i.home)
			chosen = append(chosen, i)
		}
		e = next
	}
	p.mu.Unlock()
	for _, i := range chosen {
		i.destroy(ctx)
	}
}

func errBusy(n int) *core.Error {
	return core.E("runtime.Run", core.Unavailable, "All %d instances this server may hold are in use. Try again in a moment.", n)
}
