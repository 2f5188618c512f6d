package storetest

import (
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// Storm is a part of the suite of deliveries with a name of its own: listeners
// that answer events with more events fill their receivers up to a bound. What others cause is taken all the same, and so is what listeners
// tell once there is room again.
func Storm(t *testing.T, b Deliveries) {
	t.Helper()
	c := newCounter(t, b)
	tell := func(hop, n int) error {
		e := core.Event{ID: core.NewEventID(), Type: "crm.contact.created", Version: 1, Source: "/crm", Data: []byte("{}"), Time: noon}
		changes := []core.Change{core.AppendEvent{Event: e}}
		for range n {
			d := job("ins_1", noon)
			d.Event, d.Payload, d.Hop = e.ID, nil, hop
			changes = append(changes, core.PutDelivery{Delivery: d})
		}
		return c.try("ws_a", changes...)
	}
	for left := core.MaxWaitingEvents; left > 0; left -= store.MaxChanges - 1 {
		if err := tell(2, min(left, store.MaxChanges-1)); err != nil {
			t.Fatal(err)
		}
	}
	err := tell(2, 1)
	wants(t, err, core.RateLimited)
	if !strings.Contains(core.MessageOf(err), "20000 events") {
		t.Errorf("%q doesn't name the number", core.MessageOf(err))
	}
	if err := tell(1, 1); err != nil { // not a listener's
		t.Error(err)
	}
	for range 2 {
		d := c.claim(noon, "", nil, 1)
		c.commit("ws_a", completed(d[0]))
	}
	if err := tell(2, 1); err != nil {
		t.Error(err)
	}
	c.commit("ws_b", core.PutDelivery{Delivery: job("ins_1", noon)})
}
