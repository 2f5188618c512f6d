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

func openDeliveries(t *testing.T) storetest.Deliveries {
	t.Helper()
	db := deliveriesDB(t)
	return delivering{db.Documents(), db, db.History()}
}

func TestDeliveries(t *testing.T) { storetest.RunDeliveries(t, openDeliveries) }

// TestAttack56_AStormOfEventsIsBounded: two plugins that answer each event with
// many don't fill the disk.
func TestAttack56_AStormOfEventsIsBounded(t *testing.T) { storetest.Storm(t, openDeliveries(t)) }
