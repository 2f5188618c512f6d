package runtime

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

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
	litter          litter
	now             func() time.Time

	mu     sync.Mutex
	alive  int
	homes  map[homeKey]*home
	order  list.List // of *instance, those that ever were idle, least recently put first
	closed bool
}

// Of more than fewIdle idle instances of a home, one that nobody wanted for idleFor
// is given up: they were for more calls at a time than there are now.
const (
	fewIdle = 4
	idleFor = time.Minute
)

// home is where the instances of one module in one installation belong. There
// is one as long as there are any.
type home struct {
	homeKey
	alive int
	idle  []*instance // the one put last is the last
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
		last := len(h.idle) - 1 // whose memory is warmest
		i := h.idle[last]
		h.idle[last] = nil
		h.idle, i.busy, i.share = h.idle[:last], true, inv.share
		p.mu.Unlock()
		return i, nil
	}
	var dropped *instance
	if p.alive >= p.max {
		if dropped = p.oldest(); dropped == nil {
			p.mu.Unlock()
			p.litter.leave(m.litterer(key.owner), inv.share, 0)
			return nil, errBusy(p.max)
		}
		p.drop(dropped)
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
	var i *instance
	started := false
	defer func() { // also when it panics
		if started {
			return
		}
		p.mu.Lock()
		p.forget(h)
		p.mu.Unlock()
		left := int64(crashLitter)
		if i != nil {
			left = i.left(false, false)
		}
		p.litter.leave(m.litterer(key.owner), inv.share, left)
	}()
	i, err := m.instantiate(ctx, p.wazero, inv)
	if err != nil {
		return nil, err
	}
	i.home, i.busy, i.share, started = h, true, inv.share, true
	return i, nil
}

// put takes an instance back after its call. Only one whose call came to a
// clean end is used again.
func (p *pool) put(ctx context.Context, i *instance, clean bool) {
	keep := clean && p.perInstallation > 0 && (p.dirty || i.reset())
	p.mu.Lock()
	i.busy, i.budget = false, nil
	var unwanted *instance
	if keep = keep && !p.closed && len(i.home.idle) < p.perInstallation; keep {
		i.since = p.now()
		i.home.idle = append(i.home.idle, i)
		if i.place == nil {
			i.place = p.order.PushBack(i)
		} else {
			p.order.MoveToBack(i.place)
		}
		// The first one was put before all others.
		if first := i.home.idle[0]; len(i.home.idle) > fewIdle && i.since.Sub(first.since) > idleFor {
			unwanted = first
			p.drop(first)
		}
	} else {
		p.drop(i)
	}
	who, supposed, left := i.of.litterer(i.home.owner), i.share, i.left(clean, keep) // it may be another call's from here on
	p.mu.Unlock()
	p.litter.leave(who, supposed, left)
	if !keep {
		i.destroy(ctx)
	}
	if unwanted != nil {
		unwanted.destroy(ctx)
	}
}

// oldest returns the idle instance that was used longest ago, nil if all are in
// use; the caller holds the lock.
func (p *pool) oldest() *instance {
	for e := p.order.Front(); e != nil; e = e.Next() {
		if i := e.Value.(*instance); !i.busy {
			return i
		}
	}
	return nil
}

// drop lets the pool know nothing of an instance any more, which is not in use;
// the caller holds the lock, and destroys it.
func (p *pool) drop(i *instance) {
	if at := slices.Index(i.home.idle, i); at >= 0 {
		i.home.idle = slices.Delete(i.home.idle, at, at+1)
	}
	if i.place != nil {
		p.order.Remove(i.place)
	}
	p.forget(i.home)
}

// forget counts an instance of a home less; the caller holds the lock.
func (p *pool) forget(h *home) {
	p.alive--
	if h.alive--; h.alive == 0 {
		delete(p.homes, h.homeKey)
	}
}

// dropModule destroys the idle instances of a module.
func (p *pool) dropModule(ctx context.Context, m *Module) {
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
		i := e.Value.(*instance)
		e = e.Next() // before i is dropped
		if !i.busy && which(i) {
			p.drop(i)
			chosen = append(chosen, i)
		}
	}
	p.mu.Unlock()
	for _, i := range chosen {
		i.destroy(ctx)
	}
}

func errBusy(n int) *core.Error {
	return core.E("runtime.Run", core.Unavailable, "All %d instances this server may hold are in use. Try again in a moment.", n)
}
