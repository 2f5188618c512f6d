package storetest

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// jobs: an installation has so many waiting and no more, whoever schedules them
// at the same time.
func jobs(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	job := func(install core.InstallationID, payload string) core.PutDelivery {
		now := time.Now()
		return core.PutDelivery{Delivery: core.Delivery{ID: core.NewDeliveryID(), Install: install, Handler: "next", Payload: json.RawMessage(payload), Due: now, Created: now}}
	}
	const install, other = core.InstallationID("ins_1"), core.InstallationID("ins_2")
	last := job(install, "1")
	d.committed(func(u *unit) { u.Add(last) })
	const left = 5
	for n := core.MaxWaitingJobs - left - 1; n > 0; n -= store.MaxChanges {
		d.committed(func(u *unit) {
			for range min(n, store.MaxChanges) {
				u.Add(job(install, "1"))
			}
		})
	}

	results := make([]error, 4*left)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			u := d.begin()
			u.Add(job(install, "1"))
			_, results[i] = u.Commit(ctx)
		})
	}
	all.Wait()
	scheduled := 0
	for _, err := range results {
		if err == nil {
			scheduled++
			continue
		}
		wants(t, err, core.RateLimited)
		if !strings.Contains(core.MessageOf(err), "10000 jobs") {
			t.Errorf("%q doesn't name the number", core.MessageOf(err))
		}
	}
	if scheduled != left {
		t.Fatalf("%d jobs were scheduled where there was place for %d", scheduled, left)
	}

	// The refusal is the whole unit's.
	u := d.begin()
	u.insert("contacts", `{"name":"Ann"}`)
	u.Add(job(install, "1"))
	_, err := u.Commit(ctx)
	wants(t, err, core.RateLimited)
	if n := d.begin().count("contacts"); n != 0 {
		t.Errorf("%d documents of a refused unit", n)
	}
	// What counts is what is left behind, in whatever order it came about.
	d.committed(func(u *unit) {
		u.Add(job(install, "1"))
		u.Add(core.CancelDelivery{ID: last.Delivery.ID, Install: install})
	})
	event := job(install, "1")
	event.Delivery.Event = core.NewEventID()
	d.committed(func(u *unit) { u.Add(event) }) // no job: others decide how many there are
	newDesk(t, b).committed(func(u *unit) { u.Add(job(install, "1")) })

	// Another installation has its own places, and is held to their size.
	large := `"` + strings.Repeat("x", 256<<10-2) + `"`
	d.committed(func(u *unit) {
		for range core.MaxWaitingBytes / len(large) {
			u.Add(job(other, large))
		}
	})
	u = d.begin()
	u.Add(job(other, "1"))
	_, err = u.Commit(ctx)
	wants(t, err, core.RateLimited)
	if !strings.Contains(core.MessageOf(err), "67108865 bytes") {
		t.Errorf("%q doesn't name the size", core.MessageOf(err))
	}
}
