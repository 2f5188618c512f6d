package sqlite

import (
	"sync"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// memory keeps what every request asks for: who a token or a session belongs to,
// who is a member of what, and the moment each workspace is at. Nothing in it is
// ever out of date, as this process is the only writer of the file: whatever is
// written is forgotten, or put right, after it is in the file and before its
// writer is answered. So a token that was revoked is refused from the answer to
// its revocation on. DB.Write forgets everything; only DB.writeData, for what is
// none of this, does not.
type memory struct {
	tokens      shelf[[32]byte, knownToken]
	sessions    shelf[[32]byte, knownSession]
	memberships shelf[membershipKey, membership]
	moments     shelf[core.WorkspaceID, store.Moment]
}

type knownToken struct {
	token   core.Token
	account core.Account
}

type knownSession struct {
	session core.Session
	account core.Account
}

type membershipKey struct {
	ref     string
	account core.AccountID
}

type membership struct {
	workspace core.Workspace
	member    core.Member
}

func (m *memory) forget() {
	m.tokens.clear()
	m.sessions.clear()
	m.memberships.clear()
	m.moments.clear()
}

// maxShelf is how many values a shelf has; beyond it begins anew.
const maxShelf = 10_000

// shelf keeps values that were read. What is kept is shared: nobody writes to it.
type shelf[K comparable, V any] struct {
	mu      sync.RWMutex
	edition int64 // counts what was written; what was read before a write is not kept after it
	closed  bool  // the file may hold more than this knows
	kept    map[K]V
}

// get returns what is kept and, for keep, the edition.
func (s *shelf[K, V]) get(key K) (v V, ok bool, edition int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok = s.kept[key]
	return v, ok, s.edition
}

// read is get for who will look into the file and wants to know that it held, all
// the while, what is kept: unchanged says so afterwards.
func (s *shelf[K, V]) read(key K) (v V, ok bool, edition int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok = s.kept[key]
	return v, ok && !s.closed, s.edition
}

func (s *shelf[K, V]) unchanged(edition int64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.edition == edition
}

// close is called before a group becomes visible in the file, open after all it
// wrote is here.
func (s *shelf[K, V]) close() { s.shut(true) }
func (s *shelf[K, V]) open()  { s.shut(false) }

func (s *shelf[K, V]) shut(closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edition++
	s.closed = closed
}

// keep keeps what was read since get, unless something was written meanwhile: it
// may have been read before.
func (s *shelf[K, V]) keep(key K, v V, edition int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.edition == edition && !s.closed {
		s.set(key, v)
	}
}

// put keeps what was written.
func (s *shelf[K, V]) put(key K, v V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edition++
	s.set(key, v)
}

func (s *shelf[K, V]) set(key K, v V) {
	if s.kept == nil || len(s.kept) >= maxShelf {
		s.kept = make(map[K]V)
	}
	s.kept[key] = v
}

func (s *shelf[K, V]) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edition++
	s.kept = nil
}

// recall returns what is kept, or reads and keeps it.
func recall[K comparable, V any](s *shelf[K, V], key K, read func() (V, error)) (V, error) {
	v, ok, edition := s.get(key)
	if ok {
		return v, nil
	}
	v, err := read()
	if err == nil {
		s.keep(key, v, edition)
	}
	return v, err
}

// authorises reports whether a change may alter who is who, or who may do what;
// so does one that is not known here.
func authorises(changes []core.Change) bool {
	for _, change := range changes {
		switch change.(type) {
		case core.PutReceipt, core.AddUsage, core.AppendEvent, core.AppendAudit,
			core.PutDelivery, core.CancelDelivery, core.CompleteDelivery, core.HoldDelivery, core.SetAsideDelivery:
		default:
			return true
		}
	}
	return false
}
