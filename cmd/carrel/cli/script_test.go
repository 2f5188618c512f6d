package cli

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime"
)

var update = flag.Bool("update", false, "write the output of the commands into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"carrel": func() { os.Exit(Main()) }})
}

// The scripts of testdata/script are sessions at a terminal, with what is
// printed; go test -update writes them anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"module": writeModule, "bomb": writeBomb, "exits": exits},
	})
}

// exits runs a command and checks its exit code: exits CODE COMMAND...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	// The shell tells the code apart, which exec does not.
	ts.Check(ts.Exec("sh", append([]string{"-c", `code=$1; shift; "$@"; got=$?; [ $got = $code ] || { echo "exit code $got, want $code" >&2; exit 1; }`, "sh"}, args...)...))
}

// writeModule writes a plugin that does nothing: module FILE NAME VERSION, with
// a title of its own when a fourth argument gives one.
func writeModule(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: module FILE NAME VERSION [TITLE]")
	}
	title := "A plugin"
	if len(args) > 3 {
		title = args[3]
	}
	manifest, err := json.Marshal(manifestFor(args[1], args[2], title))
	ts.Check(err)
	module, err := runtime.AttachManifest(idleModule(), manifest)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), module, 0o644))
}

// writeBomb writes a module of 38 bytes that makes a compiler take 2.5 GB: one
// function with 100 million locals.
func writeBomb(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bomb FILE")
	}
	locals := binary.AppendUvarint([]byte{1}, 100_000_000)
	body := append(locals, 0x7f, 0x0b)
	module := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		[]byte{1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0},
		[]byte{10, byte(len(body) + 2), 1, byte(len(body))}, body)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), module, 0o644))
}

func manifestFor(name, version, title string) abi.Manifest {
	return abi.Manifest{
		ABI: abi.Version, Publisher: "acme", Name: name, Version: version, Title: title,
		Summary: "Does nothing, and declares a little of everything.", License: "Apache-2.0",
		Capabilities: []abi.CapabilityRequest{
			{Name: abi.CapabilityData, Reason: "To keep your tasks."},
			{Name: abi.CapabilityEvents, Reason: "To tell others about them."},
			{Name: abi.CapabilityHTTP, Reason: "To ask for the weather.", Hosts: []string{"api.example.com"}},
		},
		Permissions: []abi.Permission{{Name: name + ".tasks.write", Doc: "Change tasks"}},
		Tables:      []abi.Table{{Name: "tasks", Doc: "Things to do", Fields: []abi.Field{{Name: "title", Type: abi.TypeString, Required: true, Max: 200, Doc: "What"}}}},
		Routes: []abi.Route{
			{Method: "GET", Path: "/tasks", Kind: abi.KindQuery, Handler: "list", Doc: "List tasks"},
			{Method: "POST", Path: "/tasks", Kind: abi.KindMutation, Handler: "add", Permission: name + ".tasks.write", Doc: "Add a task"},
		},
		Emits: []abi.EventType{{Type: name + ".task.added", Version: 1, Doc: "A task was added"}},
		Pages: []abi.ManifestPage{{Path: "/tasks", Title: "Tasks", Handler: "tasksPage"}},
	}
}

// idleModule is the smallest module that speaks the platform's contract.
func idleModule() []byte {
	section := func(id byte, content ...byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(content))), content...)
	}
	export := func(name string, kind, index byte) []byte {
		return append(append([]byte{byte(len(name))}, name...), kind, index)
	}
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, 1, 0x60, 0, 1, 0x7f), // one type: () -> i32
		section(3, 2, 0, 0),             // two functions of it
		section(5, 1, 0, 1),             // a page of memory
		section(7, slices.Concat([]byte{3}, export("carrel_abi", 0, 0), export("carrel_call", 0, 1), export("memory", 2, 0))...),
		section(10, 2, 4, 0, 0x41, abi.Version, 0x0b, 4, 0, 0x41, 0, 0x0b), // i32.const and end
	)
}
