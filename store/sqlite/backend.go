package sqlite

import (
	"github.com/carrel-dev/carrel/store"
)

// Documents returns the file's document engine.
func (db *DB) Documents() store.Backend { return nil }
