package runtime

import (
	"sync/atomic"
	"time"
)

// Stats is what an engine holds now, and the modules it made ready so far.
type Stats struct {
	Instances    int // alive
	Idle         int // of them, those no call has
	MaxInstances int

	Modules     int   // ready
	ModuleBytes int64 // of machine code and images, about

	Loaded      int64         // modules made ready of what the cache had
	LoadTime    time.Duration // of all of them
	Compiled    int64         // modules compiled first
	CompileTime time.Duration // of all of them, waiting for their turn included
	Failed      int64         // modules that could not be made ready
}

// Stats returns the engine's.
func (e *Engine) Stats() Stats {
	s := Stats{
		Loaded: e.loads.cached.Load(), LoadTime: time.Duration(e.loads.cachedTime.Load()),
		Compiled: e.loads.compiled.Load(), CompileTime: time.Duration(e.loads.compiledTime.Load()),
		Failed: e.loads.failed.Load(),
	}
	e.pool.mu.Lock()
	s.Instances, s.MaxInstances = e.pool.alive, e.pool.max
	for _, h := range e.pool.homes {
		s.Idle += len(h.idle)
	}
	e.pool.mu.Unlock()
	e.modules.mu.Lock()
	s.Modules, s.ModuleBytes = len(e.modules.byKey), e.modules.bytes
	e.modules.mu.Unlock()
	return s
}

// loads counts the modules that were made ready.
type loads struct {
	cached, cachedTime     atomic.Int64 // times in nanoseconds
	compiled, compiledTime atomic.Int64
	failed                 atomic.Int64
}

func (l *loads) add(began time.Time, compiled bool, err error) {
	took := time.Since(began).Nanoseconds()
	switch {
	case err != nil:
		l.failed.Add(1)
	case compiled:
		l.compiled.Add(1)
		l.compiledTime.Add(took)
	default:
		l.cached.Add(1)
		l.cachedTime.Add(took)
	}
}
