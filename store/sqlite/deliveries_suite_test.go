package sqlite

import (
	"testing"

	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

// delivering is all that the suite of deliveries asks of this database.
type delivering struct {
	store.Backend
	*DB
	History
}

func TestDeliveries(t *testing.T) {
	storetest.RunDeliveries(t, func(t *testing.T) storetest.Deliveries {
		db := deliveriesDB(t)
		return delivering{db.Documents(), db, db.History()}
	})
}
