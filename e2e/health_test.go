package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// A load balancer that asks /readyz sends what is new elsewhere, while a server
// that was told to stop still serves what comes.
func TestADrainingServerIsLeftByItsLoadBalancerFirst(t *testing.T) {
	w := newWorldWith(t, func(cfg *app.Config) { cfg.DrainDelay = 2 * time.Second })
	w.root.send("GET", "/readyz", nil).want(200)

	ended := make(chan struct{})
	go func() { defer close(ended); w.stop() }()
	for w.root.send("GET", "/readyz", nil).status != 503 {
		// until it was told
	}
	if a := w.root.send("GET", "/readyz", nil).want(503).object(); a["draining"] != true || a["parts"].(body)["database"] != true {
		t.Errorf("a draining server says %v", a)
	}
	As(w.root).Workspace("late", "enterprise") // it serves like any other
	<-ended
	if _, err := w.root.try("GET", "/readyz", nil); err == nil {
		t.Error("a server that stopped answers")
	}
}

// What a server can't do without is named, and nothing about it is told.
func TestAServerWhoseRegistryIsGoneIsNotReady(t *testing.T) {
	w := newWorld(t)
	registry := filepath.Join(w.dir, "registry")
	if err := os.Rename(registry, registry+"-gone"); err != nil {
		t.Fatal(err)
	}
	got := string(w.root.send("GET", "/readyz", nil).want(503).raw)
	if got != `{"ready":false,"draining":false,"parts":{"database":true,"registry":false}}` {
		t.Error(got)
	}
	w.root.send("GET", "/healthz", nil).want(200)
	if err := os.Rename(registry+"-gone", registry); err != nil {
		t.Fatal(err)
	}
	w.root.send("GET", "/readyz", nil).want(200)
}

// TestFault04_ReadinessFollowsTheDatabase: while a server's Postgres is away it is
// not ready and says which part it misses, not where that would be; it lives, and
// is ready again by itself.
func TestFault04_ReadinessFollowsTheDatabase(t *testing.T) {
	cluster, err := pgtest.NewCluster(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := cluster.Create(t.Context(), "house"); err != nil {
		t.Fatal(err)
	}
	w := newWorldWith(t, func(cfg *app.Config) { cfg.DatabaseURL = cluster.URL("house") })
	w.root.send("GET", "/readyz", nil).want(200)
	if err := cluster.Stop(); err != nil {
		t.Fatal(err)
	}
	away := w.root.send("GET", "/readyz", nil).want(503)
	if parts := away.object()["parts"].(body); parts["database"] != false || parts["registry"] != true {
		t.Errorf("without its database it says %s", away.raw)
	}
	if text := string(away.raw); strings.Contains(text, "postgres") || strings.Contains(text, "/tmp") {
		t.Errorf("it tells where its database is: %s", text)
	}
	w.root.send("GET", "/healthz", nil).want(200)
	w.root.send("GET", "/api/v1/me", nil).want(503)
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for w.root.send("GET", "/readyz", nil).status != 200 {
		if time.Now().After(deadline) {
			t.Fatal("its database is back, and it is not ready after 30 s")
		}
		time.Sleep(50 * time.Millisecond) // as a load balancer asks again
	}
	w.root.send("GET", "/api/v1/me", nil).want(200)
}
