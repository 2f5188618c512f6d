package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/carrel-dev/carrel/runtime"
)

const (
	listener = "testdata/listener" // a plugin that listens to the shop
	bindings = listener + "/shop/events.go"
)

// What bind writes for a plugin is what a listener of it is committed with, byte
// for byte, and that listener builds.
func TestPluginBind(t *testing.T) {
	manifest, err := os.ReadFile(listener + "/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	module, err := runtime.AttachManifest(idleModule(), manifest)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shop.wasm"), string(module))
	output := filepath.Join(dir, "code", "events.go")
	if *update {
		output = bindings
	}
	command := newPluginBind()
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetArgs([]string{filepath.Join(dir, "shop.wasm"), "--package", "shop", "-o", output, "--json"})
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var said bound
	if err := json.Unmarshal(out.Bytes(), &said); err != nil || said.Plugin != "acme/shop" || said.Version != "2.1.0" || said.Package != "shop" || len(said.Events) != 3 {
		t.Errorf("it says %s, %v", out.Bytes(), err)
	}
	got, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(bindings)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("it writes\n%s\nwant\n%s", got, want)
	}
	if testing.Short() {
		t.Skip("compiles a plugin")
	}
	file := filepath.Join(dir, "listener.wasm")
	if _, stderr, err := runBuild(t, listener, "-o", file); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	built, err := readModule(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifestOf(built)
	if err != nil || len(m.Listens) != 2 || m.Listens[0].Type != "order.paid" || m.Listens[1].Type != "shop.cart.left" {
		t.Errorf("the listener listens to %v, %v", m.Listens, err)
	}
}
