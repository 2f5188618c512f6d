package hostfuncs

import (
	"context"
	"slices"

	"github.com/carrel-dev/carrel/core/abi"
)

// Operation is one line of the table of operations: its number, its name, who
// may ask for it, and what it does.
type Operation struct {
	Op         abi.Op
	Name       string         // "data.insert"
	Capability abi.Capability // that must be granted; empty: open to every installation
	Kinds      []abi.Kind     // of handlers that may ask for it
	Doc        string

	act func(ctx context.Context, h *Host, request []byte) ([]byte, error)
}

var (
	anyKind   = []abi.Kind{abi.KindQuery, abi.KindMutation, abi.KindAction}
	inUnit    = []abi.Kind{abi.KindQuery, abi.KindMutation} // reads: an action has no unit to record them in
	mutations = []abi.Kind{abi.KindMutation}
	actions   = []abi.Kind{abi.KindAction}
)

// operations is the one table. An operation that isn't in it doesn't exist.
var operations = slices.Concat(
	dataOperations, eventOperations, jobOperations, billingOperations, accessOperations,
	settingsOperations, logOperations, httpOperations, mutateOperations, mailOperations, cryptoOperations, blobOperations,
)

var byNumber = func() map[abi.Op]*Operation {
	table := make(map[abi.Op]*Operation, len(operations))
	for i := range operations {
		table[operations[i].Op] = &operations[i]
	}
	return table
}()

// Ops returns the table of operations, by number.
func Ops() []Operation { return slices.Clone(operations) }
