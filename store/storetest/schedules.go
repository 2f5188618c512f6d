package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// occurrences: one of a schedule is there once, whoever puts it again, and a
// unit that does is none the worse for it.
func occurrences(t *testing.T, c *counter) {
	put := func(install core.InstallationID, schedule string, at time.Time) core.Delivery {
		d := job(install, at)
		d.Workspace, d.Schedule, d.Occurrence, d.Payload = "ws_a", schedule, at, nil
		c.commit("ws_a", core.PutDelivery{Delivery: d})
		return d
	}
	first := put("ins_1", "daily", noon)
	again := put("ins_1", "daily", noon)
	if _, err := c.Delivery(context.Background(), "ws_a", again.ID); core.KindOf(err) != core.NotFound {
		t.Errorf("it is there twice: %v", err)
	}
	got := c.is(first, core.DeliveryPending, 0)
	if got.Schedule != "daily" || !got.Occurrence.Equal(noon) {
		t.Errorf("the first: %+v", got)
	}
	running := c.one(noon)
	c.commit("ws_a", completed(running))
	put("ins_1", "daily", noon) // done already
	for _, other := range []core.Delivery{put("ins_1", "weekly", noon), put("ins_2", "daily", noon), put("ins_1", "daily", noon.Add(time.Hour))} {
		c.is(other, core.DeliveryPending, 0)
	}
	if list, err := c.Deliveries.Deliveries(context.Background(), "ws_a", "", "", 10); err != nil || len(list) != 4 {
		t.Errorf("%d deliveries, %v; want 4", len(list), err)
	}
}

// installed is an installation of a release, at a revision.
func installed(id core.InstallationID, digest core.Digest, revision int64) core.Change {
	put := installation(id, core.InstallationEnabled, revision).(core.PutInstallation)
	put.Installation.Digest = digest
	return put
}

// unscheduled: an installation is found while no occurrence of a schedule waits
// for it, whatever of it is over, and of another.
func unscheduled(t *testing.T, c *counter) {
	ctx := context.Background()
	c.commit("ws_a", installed("ins_1", "sha256:one", 1))
	c.commit("ws_b", installed("ins_2", "sha256:one", 1))
	c.commit("ws_c", installed("ins_3", "sha256:two", 1))
	if digests, err := c.Digests(ctx); err != nil || len(digests) != 2 || !slices.Contains(digests, "sha256:two") {
		t.Errorf("installed: %v, %v", digests, err)
	}
	missing := func() string {
		t.Helper()
		list, err := c.Unscheduled(ctx, "sha256:one", "daily")
		if err != nil {
			t.Fatal(err)
		}
		names := make([]string, len(list))
		for i, in := range list {
			names[i] = fmt.Sprint(in.Workspace, " ", in.ID)
		}
		slices.Sort(names)
		return strings.Join(names, ", ")
	}
	wants := func(want string) {
		t.Helper()
		if got := missing(); got != want {
			t.Errorf("without a chain: %q, want %q", got, want)
		}
	}
	wants("ws_a ins_1, ws_b ins_2")
	d := job("ins_1", noon)
	d.Workspace, d.Schedule, d.Occurrence = "ws_a", "weekly", noon
	c.commit("ws_a", core.PutDelivery{Delivery: d}, core.PutDelivery{Delivery: job("ins_1", noon.Add(2*time.Hour))})
	wants("ws_a ins_1, ws_b ins_2")
	d.ID, d.Schedule = core.NewDeliveryID(), "daily"
	c.commit("ws_a", completed(c.one(noon)), core.PutDelivery{Delivery: d})
	wants("ws_b ins_2")
	running := c.one(noon)
	wants("ws_b ins_2")
	c.commit("ws_a", core.HoldDelivery{ID: running.ID, Attempt: running.Attempt, Reason: "off"})
	wants("ws_b ins_2")
	c.commit("ws_a", installed("ins_1", "sha256:one", 2)) // it goes on
	running = c.one(noon.Add(time.Hour))
	c.commit("ws_a", core.SetAsideDelivery{ID: running.ID, Attempt: running.Attempt, Reason: "never"})
	wants("ws_a ins_1, ws_b ins_2")
}
