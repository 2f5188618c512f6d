package store

import (
	"crypto/sha256"
	"fmt"

	"github.com/carrel-dev/carrel/core"
)

// Conflict is the cause of a Changed error: what the unit had read and somebody
// else has changed, or what it had assumed and was not so. Key names it; units with
// the same key would collide again. Question is what it had found out or assumed.
type Conflict struct {
	Key      string
	Question Question
}

// Error implements error.
func (c *Conflict) Error() string { return c.Key + " has changed" }

const changedMessage = "Something this call relies on has changed meanwhile; run it again."

// NewConflict is the Changed error of a unit one of whose observations no
// longer holds.
func NewConflict(ws core.WorkspaceID, q Question) error {
	return &core.Error{Op: "store.Commit", Kind: core.Changed, Msg: changedMessage, Err: &Conflict{conflictKey(ws, q), q}}
}

// NewStaleEpoch is the Changed error of a unit that was authorised by what is
// no longer so.
func NewStaleEpoch() error {
	return &core.Error{Op: "store.Commit", Kind: core.Changed, Msg: changedMessage}
}

// conflictKey names what units collide over. Those that collide over one
// document, unique key, receipt or meter share a key; those over ranges share
// the index, since ranges overlap in too many ways to name.
func conflictKey(ws core.WorkspaceID, q Question) string {
	switch q := q.(type) {
	case VersionOf:
		return fmt.Sprintf("%s/document/%s", ws, q.ID)
	case Existence:
		return fmt.Sprintf("%s/document/%s", ws, q.ID)
	case HolderOf:
		return fmt.Sprintf("%s/unique/%d/%x", ws, q.Index, sha256.Sum256([]byte(q.Key)))
	case RowsOf:
		return fmt.Sprintf("%s/range/%d/%d", ws, q.Range.Table, q.Range.Index)
	case Answered:
		return fmt.Sprintf("%s/receipt/%q/%q", ws, q.Scope, q.Key)
	case SumOf:
		return fmt.Sprintf("%s/usage/%s", ws, q.Meter)
	case ObjectOf:
		return fmt.Sprintf("%s/blob/%s/%s", ws, q.Plugin, q.Digest)
	default:
		return fmt.Sprintf("%s/%T", ws, q)
	}
}
