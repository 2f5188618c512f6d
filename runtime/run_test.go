package runtime

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

func TestPlainGoGuest(t *testing.T) {
	if got := must(t, do(t, Call{}, `{"do":"greet","name":"Ada"}`)); got != `{"greeting":"Hello, Ada"}` {
		t.Fatal(got)
	}
}

func TestLanguages(t *testing.T) {
	for _, c := range []struct {
		name, function, input, output string
		guest                         guestBuild
	}{
		{"Go, Extism", "greet", `{"name":"Ada"}`, `{"greeting":"Servus, Ada"}`, guestPDK},
		{"Go, Extism", "echo", strings.Repeat("0123456789abcde", 700), strings.Repeat("0123456789abcde", 700), guestPDK},
		{"Go, Extism", "count", "", "1", guestPDK},
		{"C, Carrel", ExportCall, "grüße, world", "GRüßE, WORLD", guestC},
		{"C, Extism", "count_vowels", "Extism module", `{"count":5}`, guestCExtism},
		{"AssemblyScript, Extism", "greet", "Ada", "Servus, Ada", guestAS},
		{"AssemblyScript, Extism", "echo", strings.Repeat("x", 4097), strings.Repeat("x", 4097), guestAS},
	} {
		t.Run(c.name+" "+c.function, func(t *testing.T) {
			m := load(t, shared(), c.guest(t))
			for range 2 {
				r := shared().Run(t.Context(), m, Call{Function: c.function, Input: []byte(c.input), Config: map[string]string{"greeting": "Servus"}})
				if got := must(t, r); got != c.output {
					t.Fatalf("got %q, want %q", got, c.output)
				}
			}
		})
	}
}

func TestGuestError(t *testing.T) {
	m := load(t, shared(), guestPDK(t))
	r := shared().Run(t.Context(), m, Call{Function: "fail"})
	wantError(t, r, core.OutcomeGuestError, "no such luck")
	if core.MessageOf(r.Err) != "no such luck" {
		t.Errorf("message %q", core.MessageOf(r.Err))
	}
	wantError(t, do(t, Call{}, `{"do":"silent"}`), core.OutcomeGuestError, "returned 3")
}

func TestFunctionThatCannotBeCalled(t *testing.T) {
	m := load(t, shared(), guestPDK(t))
	r := shared().Run(t.Context(), m, Call{Function: "gone"})
	wantError(t, r, core.OutcomeTrap, `no function "gone"`)
	if core.KindOf(r.Err) != core.Invalid || !strings.Contains(r.Err.Error(), "count") {
		t.Errorf("%v", r.Err)
	}
	m = load(t, shared(), asm{funcs: []asmFunc{{name: "add", signature: "i:i", code: i32Const(0)}}}.bytes())
	wantError(t, shared().Run(t.Context(), m, Call{Function: "add"}), core.OutcomeTrap, `"add" is (i32) -> (i32)`)
}

// A command is a module that is its _start; exit(0) is how it ends well.
func TestCommand(t *testing.T) {
	exits := func(code int32) *Module {
		return load(t, shared(), asm{
			imports: []asmFunc{{module: "wasi_snapshot_preview1", name: "proc_exit", signature: "i"}},
			funcs:   []asmFunc{{name: "_start", code: append(append(i32Const(code), asmCall(0)...), 0x00)}},
		}.bytes())
	}
	must(t, shared().Run(t.Context(), exits(0), Call{Function: "_start"}))
	wantError(t, shared().Run(t.Context(), exits(7), Call{Function: "_start"}), core.OutcomeTrap, "exited with code 7")
}

func TestOutputLimit(t *testing.T) {
	if got := must(t, do(t, Call{Limits: Limits{Output: 1000}}, `{"do":"size","n":1000}`)); len(got) != 1000 {
		t.Fatal(len(got))
	}
	r := do(t, Call{Limits: Limits{Output: 1000}}, `{"do":"size","n":1001}`)
	wantError(t, r, core.OutcomeTrap, "1001 bytes")
	if core.KindOf(r.Err) != core.TooLarge {
		t.Errorf("kind %s", core.KindOf(r.Err))
	}
}

func TestTimeLimit(t *testing.T) {
	started := time.Now()
	r := do(t, Call{Limits: Limits{Time: 100 * time.Millisecond}}, `{"do":"loop"}`)
	wantError(t, r, core.OutcomeTimeout, "100ms")
	if core.KindOf(r.Err) != core.Timeout {
		t.Errorf("kind %s", core.KindOf(r.Err))
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// The caller's own deadline may come before the limit, and is named.
func TestTimeOfTheCaller(t *testing.T) {
	m := load(t, shared(), guestPlain(t))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	r := shared().Run(ctx, m, Call{Function: ExportCall, Input: []byte(`{"do":"loop"}`)})
	wantError(t, r, core.OutcomeTimeout, "did not finish within")
	if strings.Contains(r.Err.Error(), defaultTime.String()) || core.KindOf(r.Err) != core.Timeout {
		t.Errorf("%v", r.Err)
	}
}

func TestCancelledByTheCaller(t *testing.T) {
	m := load(t, shared(), guestPlain(t))
	ctx, cancel := context.WithCancel(t.Context())
	host := hostFunc(func() { cancel() })
	r := shared().Run(ctx, m, Call{Function: ExportCall, Input: []byte(`{"do":"op","op":12}`), Host: host})
	wantError(t, r, core.OutcomeTimeout, "stopped")
	if core.KindOf(r.Err) != core.Unavailable {
		t.Errorf("kind %s", core.KindOf(r.Err))
	}
}

func TestMemoryLimit(t *testing.T) {
	wantError(t, do(t, Call{Limits: Limits{Memory: 16 << 20}}, `{"do":"hog"}`), core.OutcomeMemoryExceeded, "16 MiB")
	// The module starts with more than that.
	wantError(t, do(t, Call{Limits: Limits{Memory: 1 << 16}}, `{"do":"greet"}`), core.OutcomeMemoryExceeded, "64 KiB")
	// Extism memory counts too.
	m := load(t, shared(), guestPDK(t))
	wantError(t, shared().Run(t.Context(), m, Call{Function: "hoard", Limits: Limits{Memory: 32 << 20}}), core.OutcomeMemoryExceeded, "32 MiB")
	// What was freed can be had again.
	if got := must(t, shared().Run(t.Context(), m, Call{Function: "churn", Limits: Limits{Memory: 16 << 20}})); got != "done" {
		t.Error(got)
	}
}

func TestManifest(t *testing.T) {
	manifest, err := shared().Manifest(t.Context(), load(t, shared(), guestPlain(t)))
	if err != nil || string(manifest) != `{"abi":1,"name":"plain"}` {
		t.Errorf("%s %v", manifest, err)
	}
	manifest, err = shared().Manifest(t.Context(), load(t, shared(), guestPDK(t)))
	if err != nil || manifest != nil {
		t.Errorf("%s %v", manifest, err)
	}
}

func TestAttachManifest(t *testing.T) {
	module := guestC(t)
	for _, manifest := range []string{`{"abi":1}`, `{"abi":1,"name":"` + strings.Repeat("x", 300) + `"}`, `{}`} {
		var err error
		if module, err = AttachManifest(module, []byte(manifest)); err != nil {
			t.Fatal(err)
		}
		d, err := Inspect(module)
		if err != nil || string(d.Manifest) != manifest || !json.Valid(d.Manifest) {
			t.Fatalf("%q %v", d.Manifest, err)
		}
	}
	// It replaces, and the module still runs.
	if grown := len(module) - len(guestC(t)); grown > 30 {
		t.Errorf("the module grew by %d bytes", grown)
	}
	m := load(t, shared(), module)
	if got := must(t, shared().Run(t.Context(), m, Call{Function: ExportCall, Input: []byte("still")})); got != "STILL" {
		t.Error(got)
	}
}

func TestInspect(t *testing.T) {
	d, err := Inspect(guestPlain(t))
	if err != nil {
		t.Fatal(err)
	}
	if !d.Plugin || d.Memory.Min == 0 || d.Manifest != nil || len(d.Exports) < 4 {
		t.Errorf("%+v", d)
	}
	d, err = Inspect(guestPDK(t))
	if err != nil || d.Plugin {
		t.Errorf("%v %v", d.Plugin, err)
	}
}

func TestLog(t *testing.T) {
	type line struct{ level, message string }
	var lines []line
	log := func(level, message string) { lines = append(lines, line{level, message}) }
	must(t, do(t, Call{Log: log}, `{"do":"print"}`))
	want := []line{{"info", "to stdout"}, {"warn", "to stderr, no newline"}}
	if len(lines) != 2 || lines[0] != want[0] || lines[1] != want[1] {
		t.Errorf("%q", lines)
	}
	lines = nil
	m := load(t, shared(), guestPDK(t))
	must(t, shared().Run(t.Context(), m, Call{Function: "chatter", Log: log}))
	if len(lines) != 4 || lines[0] != (line{"debug", "a debug line"}) || lines[3] != (line{"error", "an error"}) {
		t.Errorf("%q", lines)
	}
}
