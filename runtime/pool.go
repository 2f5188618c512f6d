package runtime

import (
	"container/list"
	"context"
	"maps"
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

	mu     sync.Mutex
	alive  int
	idle   map[poolKey][]*list.Element
	order  list.List // of *instance, idle ones, least recently used first
	closed bool
}

type poolKey struct {
	owner  core.InstallationID
	module *Module
}

// take returns an instance for a call: an idle one of its installation, or a
// new one.
func (p *pool) take(ctx context.Context, m *Module, inv *invocation) (*instance, error) {
	key := poolKey{inv.call.Installation, m}
	p.mu.Lock()
	if waiting := p.idle[key]; len(waiting) > 0 {
		i := p.remove(waiting[len(waiting)-1]) // the one whose memory is warmest
		p.mu.Unlock()
		return i, nil
	}
	var dropped *instance
	if p.alive >= p.max {
		oldest := p.order.Front()
		if oldest == nil {
			p.mu.Unlock()
			return nil, errBusy(p.max)
		}
		dropped = p.remove(oldest)
		p.alive--
	}
	p.alive++
	p.mu.Unlock()

	if dropped != nil {
		dropped.destroy(ctx)
	}
	i, err := m.instantiate(ctx, p.wazero, inv)
	if err != nil {
		p.mu.Lock()
		p.alive--
		p.mu.Unlock()
	}
	return i, err
}

// put takes an instance back after its call. Only one whose call came to a
// clean end is used again.
func (p *pool) put(ctx context.Context, i *instance, clean bool) {
	keep := clean && p.perInstallation > 0 && (p.dirty || i.reset())
	key := poolKey{i.owner, i.of}
	p.mu.Lock()
	if keep = keep && !p.closed && len(p.idle[key]) < p.perInstallation; keep {
		i.budget = nil
		p.idle[key] = append(p.idle[key], p.order.PushBack(i))
	} else {
		p.alive--
	}
	p.mu.Unlock()
	if !keep {
		i.destroy(ctx)
	}
}

// remove takes an idle instance out; the caller holds the lock.
func (p *pool) remove(e *list.Element) *instance {
	i := p.order.Remove(e).(*instance)
	key := poolKey{i.owner, i.of}
	waiting := p.idle[key]
	for n, other := range waiting {
		if other == e {
			waiting = append(waiting[:n], waiting[n+1:]...)
			break
		}
	}
	p.idle[key] = waiting // an empty one stays, for the next to come back
	return i
}

// drop destroys the idle instances of a module.
func (p *pool) drop(ctx context.Context, m *Module) {
	p.destroy(ctx, func(i *instance) bool { return i.of == m })
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.idle, func(k poolKey, _ []*list.Element) bool { return k.module == m })
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
			chosen = append(chosen, p.remove(e))
			p.alive--
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
