package e2e

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// world is a server with people in it.
type world struct {
	*testing.T
	app  *app.App
	dir  string
	db   string // the URL of its Postgres; empty: it has a file in dir
	url  string
	root *person // the operator, made with the set-up link

	client    *http.Client      // nil: client
	configure func(*app.Config) // what is different about this server; nil: nothing
}

// newWorld starts a server on an empty folder, whose marketplace has the
// plugins of the names, and whose operator is signed up.
func newWorld(t *testing.T, plugins ...string) *world {
	t.Helper()
	return newWorldWith(t, nil, plugins...)
}

// newWorldWith is newWorld with a server that is configured in another way.
func newWorldWith(t *testing.T, configure func(*app.Config), plugins ...string) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir(), db: pgtest.Chosen(t), configure: configure}
	w.start()
	_, token, ok := strings.Cut(w.app.SetupLink(), "#")
	if !ok {
		t.Fatalf("a new server's set-up link is %q", w.app.SetupLink())
	}
	w.root = w.join("root", token)
	for _, name := range plugins {
		As(w.root).Publish(module(t, name))
	}
	return w
}

// start starts the server, on the data it has.
func (w *world) start() {
	w.Helper()
	cfg := app.Config{
		Addr: "127.0.0.1:0", DataDir: w.dir, DatabaseURL: w.db, SignUp: true, PlansFile: "testdata/plans.json", PrivateMail: true, Logger: logger(w.T),
	}
	if w.configure != nil {
		w.configure(&cfg)
	}
	a, err := app.Start(context.Background(), cfg)
	if err != nil {
		w.Fatal("start:", core.MessageOf(err), err)
	}
	w.app, w.url = a, a.URL()
	w.Cleanup(w.stop)
}

// stop stops the server; a second time does nothing.
func (w *world) stop() {
	if w.app == nil {
		return
	}
	if err := w.app.Close(context.Background()); err != nil {
		w.Error("stop:", err)
	}
	w.app = nil
}

// restart stops the server and starts it again.
func (w *world) restart() {
	w.stop()
	w.start()
}

// logger keeps the server's log for a failing test.
func logger(t *testing.T) *slog.Logger {
	level := slog.LevelWarn
	if testing.Verbose() {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))
}

// binary builds the carrel command, once a test run.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "carrel-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "carrel")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/carrel").CombinedOutput()
	if err != nil {
		return "", &buildError{string(out), err}
	}
	return path, nil
})

type buildError struct {
	output string
	err    error
}

func (e *buildError) Error() string { return e.err.Error() + "\n" + e.output }

var modules sync.Map // of name: func() ([]byte, error)

// module builds a plugin with `carrel plugin build`, once a test run.
func module(t *testing.T, name string) []byte {
	t.Helper()
	build, _ := modules.LoadOrStore(name, sync.OnceValues(func() ([]byte, error) {
		carrel, err := binary()
		if err != nil {
			return nil, err
		}
		path := filepath.Join(filepath.Dir(carrel), filepath.Base(name)+".wasm")
		if out, err := exec.Command(carrel, "plugin", "build", "../plugins-src/"+name, "-o", path).CombinedOutput(); err != nil {
			return nil, &buildError{string(out), err}
		}
		return os.ReadFile(path)
	}))
	wasm, err := build.(func() ([]byte, error))()
	if err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	return wasm
}

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	if path, err := binary(); err == nil && code == 0 {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}
