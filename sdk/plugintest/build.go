package plugintest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/carrel-dev/carrel/core/abi"
)

// Build builds the plugin in dir and returns the path of its module, which is
// removed when the test ends. What is wrong with the plugin or its manifest
// fails the test.
func Build(t testing.TB, dir string) (module string) {
	t.Helper()
	module = filepath.Join(t.TempDir(), "plugin.wasm")
	carrel(t, "plugin", "build", dir, "-o", module)
	return module
}

// Manifest returns the manifest inside a module.
func Manifest(t testing.TB, module string) abi.Manifest {
	t.Helper()
	var inspected struct {
		Manifest *abi.Manifest `json:"manifest"`
	}
	if err := json.Unmarshal(carrel(t, "plugin", "inspect", "--json", module), &inspected); err != nil {
		t.Fatalf("carrel plugin inspect: %v", err)
	}
	if inspected.Manifest == nil {
		t.Fatalf("%s has no manifest", module)
	}
	return *inspected.Manifest
}

// carrel runs the command and returns what it prints.
func carrel(t testing.TB, args ...string) []byte {
	t.Helper()
	name := os.Getenv("CARREL")
	if name == "" {
		name = "carrel"
	}
	command := exec.CommandContext(t.Context(), name, args...)
	out, err := command.Output()
	if failed, ok := err.(*exec.ExitError); ok {
		t.Fatalf("carrel %v: %v\n%s", args, err, failed.Stderr)
	}
	if err != nil {
		t.Fatalf("carrel %v: %v. Put the carrel command in the PATH, or its path in CARREL.", args, err)
	}
	return out
}
