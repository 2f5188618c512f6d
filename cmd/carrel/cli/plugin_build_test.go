package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime"
)

// emptyModule is a module with nothing in it.
const emptyModule = "\x00asm\x01\x00\x00\x00"

func runBuild(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	command := newPluginBuild()
	var out, errs bytes.Buffer
	command.SetArgs(args)
	command.SetOut(&out)
	command.SetErr(&errs)
	command.SilenceErrors, command.SilenceUsage = true, true
	err = command.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

func TestPluginBuildGo(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a plugin")
	}
	file := filepath.Join(t.TempDir(), "hello.wasm")
	stdout, stderr, err := runBuild(t, "testdata/hello", "-o", file, "--json")
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	var built builtPlugin
	if err := json.Unmarshal([]byte(stdout), &built); err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if built.Plugin != "carrel/hello" || built.Version != "1.0.0" || built.Size != len(module) || built.Digest != runtime.DigestOf(module) {
		t.Errorf("built %+v of %d bytes", built, len(module))
	}

	about, err := runtime.Inspect(module)
	if err != nil {
		t.Fatal(err)
	}
	var manifest abi.Manifest
	if err := json.Unmarshal(about.Manifest, &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Name != "hello" || len(manifest.Routes) != 1 || manifest.Routes[0].Handler != "GET /" {
		t.Errorf("the section says %s", about.Manifest)
	}

	engine, err := runtime.New(t.Context(), runtime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(context.Background())
	loaded, err := engine.LoadBytes(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(abi.Invocation{Kind: abi.KindQuery, Handler: "GET /", Trigger: abi.TriggerRequest, Request: &abi.Request{Method: "GET", Path: "/"}})
	if err != nil {
		t.Fatal(err)
	}
	result := engine.Run(t.Context(), loaded, runtime.Call{Function: runtime.ExportCall, Input: input})
	if result.Err != nil || string(result.Output) != `{"status":0,"body":{"text":"hello"}}` {
		t.Errorf("it answered %s, %v", result.Output, result.Err)
	}
}

func TestPluginBuildAdopts(t *testing.T) {
	dir := t.TempDir()
	module := filepath.Join(dir, "other.wasm")
	write(t, module, emptyModule)
	write(t, filepath.Join(dir, manifestFile), `{"abi":1,"name":"other","publisher":"carrel","version":"0.1.0","title":"Other","summary":"In another language.","docs":{"api":"# Kept"}}`)
	write(t, filepath.Join(dir, "docs", "api.md"), "# Ignored")
	write(t, filepath.Join(dir, "docs", "events.md"), "# Events")

	file := filepath.Join(dir, "out.wasm")
	if _, stderr, err := runBuild(t, dir, "--module", module, "-o", file); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	done, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	about, err := runtime.Inspect(done)
	if err != nil {
		t.Fatal(err)
	}
	var manifest abi.Manifest
	if err := json.Unmarshal(about.Manifest, &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Docs != (abi.Docs{API: "# Kept", Events: "# Events"}) {
		t.Errorf("docs %+v", manifest.Docs)
	}
}

func TestPluginBuildRefuses(t *testing.T) {
	dir := t.TempDir()
	module := filepath.Join(dir, "module.wasm")
	write(t, module, emptyModule)
	write(t, filepath.Join(dir, "typo", manifestFile), `{"abi":1,"nome":"typo"}`)
	write(t, filepath.Join(dir, "broken", "main.go"), "package main\n\nfunc main() { nothing() }\n")
	write(t, filepath.Join(dir, "broken", "go.mod"), "module broken\n\ngo 1.26\n")
	for _, one := range []struct {
		name, message, stderr string
		args                  []string
	}{
		{"bad manifest", "is not valid, so nothing was written", "", []string{"testdata/wrong", "--module", module}},
		{"unknown member", "nome is not a member that is known here", "", []string{filepath.Join(dir, "typo"), "--module", module}},
		{"no manifest", manifestFile, "", []string{dir, "--module", module}},
		{"no module", "There is no such file", "", []string{"testdata/wrong", "--module", filepath.Join(dir, "none.wasm")}},
		{"no source", "no Go source", "", []string{dir}},
		{"no compiling", "doesn't compile", "undefined: nothing", []string{filepath.Join(dir, "broken")}},
	} {
		t.Run(one.name, func(t *testing.T) {
			file := filepath.Join(dir, "refused.wasm")
			_, stderr, err := runBuild(t, append(one.args, "-o", file)...)
			if kind := core.KindOf(err); kind != core.Invalid && kind != core.NotFound || !strings.Contains(core.MessageOf(err), one.message) {
				t.Errorf("error %v, want %q", err, one.message)
			}
			if one.name == "bad manifest" && (len(core.ViolationsOf(err)) != 1 || core.ViolationsOf(err)[0].Location != "name") {
				t.Errorf("violations %v", core.ViolationsOf(err))
			}
			if !strings.Contains(stderr, one.stderr) {
				t.Errorf("stderr %q, want %q", stderr, one.stderr)
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("a module was written")
			}
		})
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
