package store

import (
	"context"
	"encoding/json"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Unit is a unit of work.
type Unit struct {
	store *Store
	ws    core.WorkspaceID
	scope Scope
}

var errLater = core.E("store", core.Internal, "The document engine is being written.")

func (u *Unit) Insert(ctx context.Context, table string, body json.RawMessage) (core.Document, error) {
	return core.Document{}, errLater
}
func (u *Unit) Get(ctx context.Context, table string, id core.DocumentID) (core.Document, error) {
	return core.Document{}, errLater
}
func (u *Unit) Patch(ctx context.Context, table string, id core.DocumentID, body json.RawMessage, ifVersion int64) (core.Document, error) {
	return core.Document{}, errLater
}
func (u *Unit) Replace(ctx context.Context, table string, id core.DocumentID, body json.RawMessage, ifVersion int64) (core.Document, error) {
	return core.Document{}, errLater
}
func (u *Unit) Delete(ctx context.Context, table string, id core.DocumentID, ifVersion int64) error {
	return errLater
}
func (u *Unit) Query(ctx context.Context, q abi.QueryRequest) (docs []core.Document, nextCursor string, err error) {
	return nil, "", errLater
}
func (u *Unit) Count(ctx context.Context, table string, f []abi.Filter) (count int, capped bool, err error) {
	return 0, false, errLater
}
func (u *Unit) Usage(ctx context.Context, meter string) (int64, error) { return 0, errLater }
func (u *Unit) Add(change core.Change)                                 {}
func (u *Unit) Receipt(ctx context.Context, scope, key string) (core.Receipt, bool, error) {
	return core.Receipt{}, false, errLater
}
func (u *Unit) Validate(ctx context.Context) error            { return errLater }
func (u *Unit) Commit(ctx context.Context) (Committed, error) { return Committed{}, errLater }
func (u *Unit) ConflictKey() string                           { return "" }
