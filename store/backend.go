package store

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// Number stands for a table's or an index's name in a database: small, given
// out once, the same for every workspace, never given out again.
type Number int64

// Moment is the state of a workspace a read saw. Seq counts the workspace's
// commits; AuthEpoch counts the changes to who may do what in it.
type Moment struct {
	Seq       int64
	AuthEpoch int64
}

// Backend is a database of documents. Every read answers from one snapshot and
// says which Moment that was. No method keeps a connection once it returns.
//
// Failures of the database are Unavailable or Internal. Reads of what is not
// there are no errors.
type Backend interface {
	// Numbers returns the numbers of names, giving out new ones as needed.
	Numbers(ctx context.Context, names []string) ([]Number, error)

	// Document returns a document of a table, or nil.
	Document(ctx context.Context, ws core.WorkspaceID, table Number, id core.DocumentID) (*core.Document, Moment, error)

	// Scan returns the rows of a range in its order, as far as the limits go.
	Scan(ctx context.Context, ws core.WorkspaceID, r Range, limit ScanLimit) (Rows, Moment, error)

	// Receipt returns what an idempotency key was answered, or nil.
	Receipt(ctx context.Context, ws core.WorkspaceID, scope, key string) (*core.Receipt, Moment, error)

	// Blob returns what is known of a plugin's blob, or nil.
	Blob(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID, digest core.Digest) (*core.Blob, Moment, error)

	// Ask answers a question, as Validate and Commit will ask it again.
	Ask(ctx context.Context, ws core.WorkspaceID, q Question) (Answer, Moment, error)

	// Validate checks that the epoch is the workspace's and that every
	// observation holds at one moment, now. It fails with Changed, caused by a
	// *Conflict when an observation no longer holds.
	Validate(ctx context.Context, ws core.WorkspaceID, epoch int64, seen []Observation) error

	// Commit does what Validate does and applies the batch, all or nothing, in
	// one transaction that moves the workspace's seq on by one. It returns that
	// seq once it is durable.
	Commit(ctx context.Context, ws core.WorkspaceID, b Batch) (seq int64, err error)
}

// Position is a place in an index: key order, then id order. In a table's own
// order the key is empty.
type Position struct {
	Key string // an encoded key (bytes)
	ID  core.DocumentID
}

// Range is a half-open interval [From, To) of an index, or of a table's own id
// order when Index is 0. It is comparable, so that it can be a Question.
type Range struct {
	Table    Number
	Index    Number
	From, To Position
	Desc     bool
	KeysOnly bool // the documents themselves don't matter, only which are there
}

// ScanLimit ends a scan early: after Rows rows, or after the row that takes the
// bodies past Bytes.
type ScanLimit struct {
	Rows  int
	Bytes int
}

// Rows is what a scan found. More says that it ended early: what lies behind
// the last row was not looked at.
type Rows struct {
	Rows []Row
	More bool
}

// Row is an entry of a range with its document; without its body and times when
// the range is KeysOnly.
type Row struct {
	Position Position
	Document core.Document
}

// Question is something a unit of work found out and relies on: one of
// VersionOf, Existence, HolderOf, RowsOf, Answered, SumOf, ObjectOf, BlobsCounted.
// Each is comparable.
type Question interface{ question() }

// Answer is the answer to a Question, comparable with ==.
type Answer any

// The questions, and the type of their answers.
type (
	// VersionOf asks for a document's version: int64, 0 when there is none.
	VersionOf struct {
		Table Number
		ID    core.DocumentID
	}
	// Existence asks whether a document is there, whatever its version: bool.
	Existence struct {
		Table Number
		ID    core.DocumentID
	}
	// HolderOf asks who holds a key of a unique index: core.DocumentID, empty
	// when it is free.
	HolderOf struct {
		Index Number
		Key   string
	}
	// RowsOf asks what is in a range: a Digest.
	RowsOf struct{ Range Range }
	// Answered asks whether an idempotency key has a receipt: bool.
	Answered struct{ Scope, Key string }
	// SumOf asks for a meter's sum over the workspace's installations: int64.
	SumOf struct{ Meter string }
	// ObjectOf asks for the Object of a plugin's blob: string, empty when it keeps none.
	ObjectOf struct {
		Plugin core.PluginID
		Digest core.Digest
	}
	// BlobsCounted asks what the workspace's blobs count for: int64, bytes.
	BlobsCounted struct{}
)

func (VersionOf) question()    {}
func (Existence) question()    {}
func (HolderOf) question()     {}
func (RowsOf) question()       {}
func (Answered) question()     {}
func (SumOf) question()        {}
func (ObjectOf) question()     {}
func (BlobsCounted) question() {}

// Observation is a question, the answer a unit relies on, and the Seq at which
// it was given: while the workspace is still there, it need not be asked again.
// An answer that was assumed was given at no Seq. That a key is free need not be asked
// either when taking it proves it.
type Observation struct {
	Question Question
	Answer   Answer
	Seq      int64
}

// Assumed is the Seq of an answer nobody gave. No workspace is ever there, nor
// any number of commits before or behind it, so the Seq never says that the answer still holds.
const Assumed int64 = -1 << 62

// Batch is a unit of work ready to be committed.
type Batch struct {
	Epoch   int64 // the AuthEpoch the unit was authorised with
	Seen    []Observation
	Writes  []Write
	Changes []core.Change
}

// Write is what becomes of one document. Its entries are what to take out of
// and put into the indexes; all of a batch's removals come before its additions.
type Write struct {
	Table         Number
	Document      core.Document // as it will be; only the ID when Deleted
	Base          int64         // the version it replaces, 0 for a new one
	Deleted       bool
	Remove, Add   []Entry
	Release, Hold []Entry // of unique indexes
}

// Entry is a document's place in an index.
type Entry struct {
	Index Number
	Key   string
}
