package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// understudyModule is plugins-src/hostile/understudy, without a manifest, built
// once a test run.
var understudyModule = sync.OnceValues(func() (string, error) {
	carrel, err := binary()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(carrel), "understudy.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", path, "../plugins-src/hostile/understudy")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return "", &buildError{string(out), err}
	}
	return path, nil
})

// understudy is a plugin of some name that emits whatever events of these types
// it is asked to.
func understudy(t *testing.T, name string, emits ...string) []byte {
	t.Helper()
	bare, err := understudyModule()
	if err != nil {
		t.Fatal(err)
	}
	manifest := abi.Manifest{
		ABI: abi.Version, Name: name, Publisher: "carrel", Version: "1.0.0", License: "Apache-2.0",
		Title: name, Summary: "Plays " + name + ". For tests.",
		Capabilities: []abi.CapabilityRequest{{Name: abi.CapabilityEvents, Reason: "To tell what a test wants told."}},
		Routes:       []abi.Route{{Method: "POST", Path: "/tell", Kind: abi.KindMutation, Handler: "tell"}},
	}
	for _, eventType := range emits {
		manifest.Emits = append(manifest.Emits, abi.EventType{Type: eventType, Version: 1, Schema: json.RawMessage("{}")})
	}
	encoded, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "carrel.json"), encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	carrel, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name+".wasm")
	if out, err := exec.Command(carrel, "plugin", "build", dir, "--module", bare, "-o", path).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	module, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// tells has an understudy emit an event, and returns the event's id.
func (m member) tells(plugin, eventType string, data any) string {
	m.w.Helper()
	return m.Call(plugin, "POST /tell", body{"type": eventType, "version": 1, "data": data}).want(200).text("id")
}

// settled waits until no delivery of the workspace is under way, but for what a
// schedule will begin later, and returns those that were set aside.
func (m member) settled() []any {
	m.w.Helper()
	m.w.until("a delivery is still under way", func() bool {
		return !slices.ContainsFunc([]string{"pending", "running", "retry"}, func(state string) bool {
			return slices.ContainsFunc(m.all("", "/deliveries?state="+state), func(delivery map[string]any) bool {
				return delivery["schedule"] == nil
			})
		})
	})
	return m.API("GET", "/deliveries?state=set_aside", nil).want(200).list("data")
}

// until asks again and again for at most a minute: for what the API has no
// signal for, as a client would.
func (w *world) until(failure string, done func() bool) {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	w.Fatal(failure + " after a minute")
}
