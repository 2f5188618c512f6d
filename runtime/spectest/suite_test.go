package spectest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// suiteFolder returns the folder of the suite in the module cache.
func suiteFolder(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("looking for wazero's module: %v\n%s", err, e.Stderr)
		}
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
}

// Each command of the suite meets the specification, and ends on woven and on
// detached modules as it does on the originals: with the same bits, the same
// trap or the same refusal, the same memory behind it, and at the same price on
// both engines and in both forms.
func TestWeavingAndDetachingKeepTheMeaning(t *testing.T) {
	folder := suiteFolder(t)
	imported, err := os.ReadFile(filepath.Join(folder, "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	skips := readSkips(t)
	ran := newTally()
	for _, suite := range []struct {
		name     string
		features api.CoreFeatures
	}{
		{"v1", api.CoreFeaturesV1},
		{"v2", api.CoreFeaturesV2},
	} {
		dir := os.DirFS(filepath.Join(folder, suite.name, "testdata"))
		files, err := fs.Glob(dir, "*.json")
		if err != nil {
			t.Fatal(err)
		}
		t.Run(suite.name, func(t *testing.T) {
			for _, name := range files {
				file := file{suite: suite.name, name: strings.TrimSuffix(name, ".json"), dir: dir, imported: imported, features: suite.features}
				t.Run(file.name, func(t *testing.T) {
					t.Parallel()
					file.run(t, skips, ran)
				})
			}
		})
		ran.expect(suite.name, len(files))
	}
	if ran.complete() {
		skips.checkUsed(t)
		ran.check(t)
	}
}

// file is a file of the suite, with what its modules need.
type file struct {
	suite, name string
	dir         fs.FS
	imported    []byte
	features    api.CoreFeatures
}

// trial runs the commands on one engine, with the modules as they are and in
// other forms.
type trial struct {
	engine   string
	original *session
	others   []*session
}

func (f file) run(t *testing.T, skips *skips, ran *tally) {
	commands, err := readScript(f.dir, f.name+".json")
	if err != nil {
		t.Fatal(err)
	}
	trials := []trial{
		f.try(t, "compiler", wazero.NewRuntimeConfigCompiler(), 8192),
		f.try(t, "interpreter", wazero.NewRuntimeConfigInterpreter(), 100),
	}
	for _, c := range commands {
		if c.ModuleType == "text" { // nothing here reads it
			ran.add(f.suite, "in the text format, not run")
			continue
		}
		ran.add(f.suite, c.Type)
		var prices []int64
		for _, trial := range trials {
			o := trial.original.do(t.Context(), c)
			if fault := judge(c, o); fault != "" && !skips.has(f, c) {
				t.Errorf("%s, %s: %s", c, trial.engine, fault)
			}
			for _, s := range trial.others {
				got := s.do(t.Context(), c)
				if !o.same(got) {
					t.Errorf("%s, %s: the original ends with %s, %s with %s", c, trial.engine, o, s.form, got)
				}
				if err := s.meter.balanced(s.instances); err != nil && got.ending == ok {
					t.Errorf("%s, %s, %s: %v", c, trial.engine, s.form, err)
				}
				if got.ending != exhausted && c.Action.Type != "" {
					prices = append(prices, s.meter.spent(s.instances))
				}
			}
		}
		if len(slices.Compact(prices)) > 1 {
			t.Errorf("%s: it costs %d, by engine and form", c, prices)
		}
	}
	for _, trial := range trials {
		for _, s := range trial.others {
			if at := difference(trial.original, s); at != "" {
				t.Errorf("%s: at the end the original's and the %s %s differ", trial.engine, s.form, at)
			}
		}
	}
	ran.add(f.suite, "files")
}

// try starts a trial on an engine of that configuration.
func (f file) try(t *testing.T, engine string, config wazero.RuntimeConfig, slice int64) trial {
	start := func(as form) *session {
		s, err := newSession(t.Context(), f.dir, config.WithCoreFeatures(f.features), f.imported, as, slice)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.runtime.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return s
	}
	r := trial{engine: engine, original: start(original), others: []*session{start(woven)}}
	if f.features.IsEnabled(api.CoreFeatureBulkMemoryOperations) { // passive segments are of it
		r.others = append(r.others, start(detached))
	}
	return r
}

// difference names a memory that is not the same in both sessions, "" if all
// are.
func difference(a, b *session) string {
	if len(a.instances) != len(b.instances) {
		return fmt.Sprintf("numbers of instances, %d and %d,", len(a.instances), len(b.instances))
	}
	for i, instance := range a.instances {
		if !bytes.Equal(contents(instance), contents(b.instances[i])) {
			return fmt.Sprintf("memories of instance %d", i)
		}
	}
	return ""
}

// contents returns the bytes of an instance's memory, none without one.
func contents(instance api.Module) []byte {
	memory := instance.Memory()
	if reflect.ValueOf(memory).IsNil() { // a nil pointer, which is not a nil interface
		return nil
	}
	b, _ := memory.Read(0, memory.Size())
	return b
}

// judge returns what is wrong with how a command ended, "" if nothing is.
func judge(c command, o outcome) string {
	good := false
	switch c.Type {
	case "module", "action":
		good = o.ending == ok
	case "assert_return":
		good = o.ending == ok && match(c.Expected, o.results)
	case "assert_trap":
		good = o.ending == trapOf(c.Text)
	case "assert_exhaustion":
		good = o.ending == exhausted
	case "assert_malformed", "assert_invalid":
		good = o.ending == refused
	case "assert_unlinkable": // wazero may notice before it looks at the imports
		good = o.ending == unlinked || o.ending == refused
	case "assert_uninstantiable":
		good = o.ending == unlinked || o.ending == trapOf(c.Text)
	default:
		return "the runner does not know this command"
	}
	if good {
		return ""
	}
	return fmt.Sprintf("it ends with %s; expected %v %s", o, c.Expected, c.Text)
}

func match(want []value, got []uint64) bool {
	for _, v := range want {
		n := v.words()
		if len(v.lanes) == 0 { // any reference
			n = 1
		}
		if len(got) < n || len(v.lanes) > 0 && !v.matches(got[:n]) {
			return false
		}
		got = got[n:]
	}
	return len(got) == 0
}

// traps are wazero's words for what the suite calls otherwise.
var traps = map[string]string{
	"undefined element":          "invalid table access",
	"undefined":                  "invalid table access",
	"out of bounds table access": "invalid table access",
	"indirect call":              "indirect call type mismatch",
}

// trapOf returns wazero's words for a trap of the suite.
func trapOf(text string) string {
	if strings.HasPrefix(text, "uninitialized") {
		return "invalid table access"
	}
	if trap, renamed := traps[text]; renamed {
		return trap
	}
	return text
}
