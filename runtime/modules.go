package runtime

import (
	"container/list"
	"sync"

	"github.com/carrel-dev/carrel/core"
)

// modules are the modules an engine holds ready: machine code and images,
// several times the size of what was uploaded. They are bounded; the least
// recently used is dropped, and loaded from the cache when it is wanted again.
type modules struct {
	max int64 // bytes

	mu    sync.Mutex
	byKey map[core.Digest]*list.Element
	order list.List // of *Module, least recently used first
	bytes int64
}

// get returns the module of a digest, nil when it is not there.
func (s *modules) get(digest core.Digest) *Module {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byKey[digest]
	if e == nil {
		return nil
	}
	s.order.MoveToBack(e)
	return e.Value.(*Module)
}

// add takes a module in and returns those that had to make room, nobody's any
// more. Modules in use stay, so the bound can be passed by them.
func (s *modules) add(m *Module) (dropped []*Module) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.place = s.order.PushBack(m)
	s.byKey[m.digest] = m.place
	s.bytes += m.size()
	for e := s.order.Front(); e != nil && s.bytes > s.max; {
		old, next := e.Value.(*Module), e.Next()
		if old != m && old.users == 0 {
			dropped = append(dropped, old)
			s.remove(e)
		}
		e = next
	}
	return dropped
}

// use keeps a module until leave; false when it was dropped.
func (s *modules) use(m *Module) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.place == nil {
		return false
	}
	s.order.MoveToBack(m.place)
	m.users++
	return true
}

func (s *modules) leave(m *Module) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.users--
}

// empty drops every module.
func (s *modules) empty() (dropped []*Module) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.order.Len() > 0 {
		e := s.order.Front()
		dropped = append(dropped, e.Value.(*Module))
		s.remove(e)
	}
	return dropped
}

func (s *modules) remove(e *list.Element) {
	m := s.order.Remove(e).(*Module)
	m.place = nil
	delete(s.byKey, m.digest)
	s.bytes -= m.size()
}
