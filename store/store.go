package store

import (
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Store begins units of work over a Backend.
type Store struct {
	backend  Backend
	compiled compiled
	objects  Objects // nil: it keeps no blobs
}

// New returns a Store over a Backend.
func New(b Backend) *Store { return &Store{backend: b} }

// Scope is what a unit of work may touch: the tables of one plugin, in the
// workspace it begins in.
type Scope struct {
	Plugin       core.PluginID
	Installation core.InstallationID
	Tables       []abi.Table // of the release: pass the same slice each time (it is compiled once), and never modify it
	ReadOnly     bool        // writes are refused with Denied
	Now          time.Time   // created and updated times of documents; zero means the present
	AuthEpoch    int64       // the epoch the caller was authorised with

	// AssumeFree lets the unit take a unique key for free without asking the
	// database, as the commit finds out anyway: nearly always it is. A key that
	// is taken then makes the unit Changed, and not the write Exists, so it is
	// for who runs the invocation again in a unit that asks.
	AssumeFree bool
}

// Committed says what a commit did.
type Committed struct {
	Seq        int64 // the workspace's sequence number; 0 when there was nothing to write
	Deliveries bool  // it added deliveries: wake the claimer
}

// Begin starts a unit of work of one plugin in one workspace. It holds no
// connection between calls, so it may be dropped without ending it. A Unit is
// for one goroutine.
func (s *Store) Begin(ws core.WorkspaceID, scope Scope) *Unit {
	if scope.Now.IsZero() {
		scope.Now = time.Now()
	}
	scope.Now = scope.Now.UTC().Truncate(time.Microsecond) // what every database can keep
	return &Unit{
		store: s, ws: ws, scope: scope,
		seen:    make(map[Question]Observation),
		written: make(map[VersionOf]*draft),
		claims:  make(map[Entry]core.DocumentID),
		stored:  make(map[Entry]bool),
	}
}
