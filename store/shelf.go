package store

import "sync"

// maxShelf is how many values a shelf has; beyond it begins anew.
const maxShelf = 10_000

// Shelf keeps values that were read from a database. What is kept is shared: nobody
// writes to it. Its methods may be called concurrently; the zero Shelf is empty.
type Shelf[K comparable, V any] struct {
	mu      sync.RWMutex
	edition int64 // counts what was written; what was read before a write is not kept after it
	closed  bool  // the database may hold more than this knows
	kept    map[K]V
}

// Get returns what is kept and, for Keep, the edition.
func (s *Shelf[K, V]) Get(key K) (v V, ok bool, edition int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok = s.kept[key]
	return v, ok, s.edition
}

// Read is Get for who will look into the database and wants to know that it held, all
// the while, what is kept: Unchanged says so afterwards.
func (s *Shelf[K, V]) Read(key K) (v V, ok bool, edition int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok = s.kept[key]
	return v, ok && !s.closed, s.edition
}

// Unchanged reports whether nothing was written since an edition.
func (s *Shelf[K, V]) Unchanged(edition int64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.edition == edition
}

// Close is called before what somebody wrote becomes visible in the database, Open
// after it is here.
func (s *Shelf[K, V]) Close() { s.shut(true) }

// Open ends what Close began.
func (s *Shelf[K, V]) Open() { s.shut(false) }

func (s *Shelf[K, V]) shut(closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edition++
	s.closed = closed
}

// Keep keeps what was read since Get, unless something was written meanwhile: it
// may have been read before.
func (s *Shelf[K, V]) Keep(key K, v V, edition int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.edition == edition && !s.closed {
		s.set(key, v)
	}
}

// Put keeps what was written.
func (s *Shelf[K, V]) Put(key K, v V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edition++
	s.set(key, v)
}

func (s *Shelf[K, V]) set(key K, v V) {
	if s.kept == nil || len(s.kept) >= maxShelf {
		s.kept = make(map[K]V)
	}
	s.kept[key] = v
}

// Clear forgets everything.
func (s *Shelf[K, V]) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edition++
	s.kept = nil
}

// Recall returns what is kept, or reads and keeps it.
func Recall[K comparable, V any](s *Shelf[K, V], key K, read func() (V, error)) (V, error) {
	v, ok, edition := s.Get(key)
	if ok {
		return v, nil
	}
	v, err := read()
	if err == nil {
		s.Keep(key, v, edition)
	}
	return v, err
}
