package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
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
