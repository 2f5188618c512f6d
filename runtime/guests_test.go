package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The guests of testdata/guests, each built once a test binary.
var (
	guestPlain   = buildGo("./testdata/guests/plain")
	guestPDK     = buildGo("./testdata/guests/pdk")
	guestHostile = buildGo("../plugins-src/hostile/handlers")
	guestC       = buildC("plugin.c")
	guestCExtism = buildC("extism.c")
	guestAS      = buildAS()
)

var guestDir string

func TestMain(m *testing.M) {
	var err error
	if guestDir, err = os.MkdirTemp("", "carrel-guests-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(guestDir)
	os.Exit(code)
}

type guestBuild func(t testing.TB) []byte

// once builds at the first call. A missing tool skips the test, but never in
// CI; a failing build fails every test that needs it.
func once(tools []string, build func(out string) error) guestBuild {
	var missing string
	run := sync.OnceValues(func() ([]byte, error) {
		for _, tool := range tools {
			if _, err := exec.LookPath(tool); err != nil {
				missing = tool
				return nil, err
			}
		}
		file, err := os.CreateTemp(guestDir, "*.wasm")
		if err != nil {
			return nil, err
		}
		if err := errors.Join(file.Close(), build(file.Name())); err != nil {
			return nil, err
		}
		return os.ReadFile(file.Name())
	})
	return func(t testing.TB) []byte {
		t.Helper()
		module, err := run()
		if missing != "" && os.Getenv("CI") == "" {
			t.Skipf("needs %s", missing)
		}
		if err != nil {
			t.Fatalf("building the guest: %v", err)
		}
		return module
	}
}

func command(dir string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

func buildGo(dir string) guestBuild {
	return once([]string{"go"}, func(out string) error {
		return command("", []string{"GOOS=wasip1", "GOARCH=wasm", "GOFLAGS="}, "go", "build", "-buildmode=c-shared", "-o", out, dir)
	})
}

func buildC(file string) guestBuild {
	return once([]string{"clang-16", "wasm-ld-16"}, func(out string) error {
		return command("testdata/guests/c", nil, "clang-16", "--target=wasm32-wasi", "-O2", "-mexec-model=reactor", "-o", out, file)
	})
}

func buildAS() guestBuild {
	return once([]string{"node", "npm"}, func(out string) error {
		// Into a copy: two test binaries must not install over each other.
		dir := filepath.Join(guestDir, "as")
		if err := os.CopyFS(dir, os.DirFS("testdata/guests/as")); err != nil {
			return err
		}
		return errors.Join(
			command(dir, nil, "npm", "ci", "--no-audit", "--no-fund"),
			command(dir, nil, "npx", "asc", "guest.ts", "--outFile", out, "--use", "abort=guest/abort", "-O"),
		)
	})
}

func newEngine(t testing.TB, cfg Config) *Engine {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	e, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// shared is the engine of the tests that need none of their own, so that each
// guest is compiled once.
var shared = sync.OnceValue(func() *Engine {
	e, err := New(context.Background(), Config{CacheDir: filepath.Join(guestDir, "cache"), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		panic(err)
	}
	return e
})

func load(t testing.TB, e *Engine, module []byte) *Module {
	t.Helper()
	m, err := e.LoadBytes(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// do calls the plain guest with a format that makes its JSON.
func do(t testing.TB, c Call, format string, args ...any) Result {
	t.Helper()
	m := load(t, shared(), guestPlain(t))
	c.Function, c.Input = ExportCall, fmt.Appendf(nil, format, args...)
	if c.Now.IsZero() {
		c.Now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	}
	return shared().Run(t.Context(), m, c)
}

// must returns the output of a call that has to succeed.
func must(t testing.TB, r Result) string {
	t.Helper()
	if r.Err != nil {
		t.Fatalf("%s: %v", r.Outcome, r.Err)
	}
	return string(r.Output)
}

// wantError checks a call's outcome and that its message says something.
func wantError(t testing.TB, r Result, outcome any, says string) {
	t.Helper()
	if fmt.Sprint(r.Outcome) != fmt.Sprint(outcome) || r.Err == nil || !strings.Contains(r.Err.Error(), says) {
		t.Fatalf("got %s: %v, want %s with %q", r.Outcome, r.Err, outcome, says)
	}
	if r.Output != nil {
		t.Errorf("a failed call has output %q", r.Output)
	}
}
