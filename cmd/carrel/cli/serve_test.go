package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"

	ociserver "github.com/google/go-containerregistry/pkg/registry"

	"github.com/carrel-dev/carrel/runtime"
)

// run runs a command line and returns its exit code and what it printed.
func run(t *testing.T, stdin string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(t.Context(), args, strings.NewReader(stdin), &o, &e)
	return code, o.String(), e.String()
}

// startServer runs carrel serve until the test ends or stop is called, and
// returns what it printed until it served. stop returns its exit code.
func startServer(t *testing.T, data string, flags ...string) (printed string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	var notes bytes.Buffer
	done := make(chan int, 1)
	go func() {
		args := append([]string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--log-format", "json"}, flags...)
		code := Run(ctx, args, strings.NewReader(""), writer, &notes)
		writer.Close()
		done <- code
	}()
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		printed += lines.Text() + "\n"
		if strings.Contains(lines.Text(), "/console") {
			break
		}
	}
	go io.Copy(io.Discard, reader)
	stopped := false
	stop = func() int {
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if !stopped {
			stop()
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", notes.String())
		}
	})
	return printed, stop
}

func addressIn(t *testing.T, printed string) string {
	t.Helper()
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(printed)
	if address == "" {
		t.Fatalf("no address is printed:\n%s", printed)
	}
	return address
}

func writePlugin(t *testing.T, dir, name, version, title string) string {
	t.Helper()
	manifest := mustJSON(t, manifestFor(name, version, title))
	module, err := runtime.AttachManifest(idleModule(), manifest)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name+"-"+version+title+".wasm")
	if err := os.WriteFile(file, module, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A server is prepared, started, published to, refuses a second one on its
// folder, and continues with the same data.
func TestServeAndPublishToIt(t *testing.T) {
	data := t.TempDir()
	if code, _, errOut := run(t, "correct horse battery staple\n", "admin", "user", "create", "ada@example.com", "--name", "Ada", "--operator", "--data", data); code != 0 {
		t.Fatal(errOut)
	}
	code, token, errOut := run(t, "", "admin", "token", "create", "ada@example.com", "--data", data)
	if code != 0 {
		t.Fatal(errOut)
	}
	token = strings.TrimSpace(token)
	printed, stop := startServer(t, data)
	if strings.Contains(printed, "/setup#") {
		t.Errorf("there is an account, and yet a set-up link:\n%s", printed)
	}
	server := addressIn(t, printed)
	file := writePlugin(t, t.TempDir(), "tasks", "1.0.0", "Tasks")
	changed := writePlugin(t, t.TempDir(), "tasks", "1.0.0", "Changed")
	next := writePlugin(t, t.TempDir(), "tasks", "1.1.0", "Tasks")

	t.Setenv("CARREL_SERVER", server)
	for _, c := range []struct {
		name, token string
		args        []string
		code        int
		out, err    string // patterns; "" is nothing
	}{
		{"publish", token, []string{"publish", file}, 0, `^acme/tasks 1\.0\.0 published`, ""},
		{"publish again", token, []string{"publish", "--skip-existing", file}, 0, `^acme/tasks 1\.0\.0 skipped`, ""},
		{"publish another module", token, []string{"publish", changed}, 1, "", `already published with another module`},
		{"keep the first", token, []string{"publish", "--skip-existing", changed}, 0, `^acme/tasks 1\.0\.0 kept`, `raise its version`},
		{"yank", token, []string{"yank", "tasks", "1.0.0"}, 0, `^acme/tasks 1\.0\.0 yanked\n$`, ""},
		{"take it back", token, []string{"yank", "acme/tasks", "1.0.0", "--undo"}, 0, `^acme/tasks 1\.0\.0 offered\n$`, ""},
		{"bind", token, []string{"bind", "acme/tasks", "-o", filepath.Join(t.TempDir(), "events.go")}, 0, `^acme/tasks 1\.0\.0 bound`, ""},
		{"bind nothing", token, []string{"bind", "tasks@7.0.0"}, 1, "", `There is no version 7\.0\.0 of tasks on 127`},
		{"bind another's", token, []string{"bind", "other/tasks"}, 1, "", `There is no plugin other/tasks on 127`},
		{"yank nothing", token, []string{"yank", "acme/tasks", "2.0.0"}, 1, "", `There is no version 2\.0\.0 of acme/tasks on 127`},
		{"yank another's", token, []string{"yank", "other/tasks", "1.0.0"}, 1, "", `There is no version 1\.0\.0 of other/tasks on 127`},
		{"a wrong token", token + "x", []string{"publish", file}, 1, "", `Check CARREL_TOKEN`},
		{"publish beside it", "", []string{"publish", "--data", data, next}, 0, `^acme/tasks 1\.1\.0 published`, ""},
		{"what it has then", token, []string{"bind", "acme/tasks", "-o", filepath.Join(t.TempDir(), "events.go")}, 0, `^acme/tasks 1\.1\.0 bound`, ""},
		{"yank beside it", "", []string{"yank", "--data", data, "tasks", "1.1.0"}, 0, `^acme/tasks 1\.1\.0 yanked`, ""},
		{"what it has without", token, []string{"bind", "acme/tasks", "-o", filepath.Join(t.TempDir(), "events.go")}, 0, `^acme/tasks 1\.0\.0 bound`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CARREL_TOKEN", c.token)
			code, out, errOut := run(t, "", append([]string{"plugin"}, c.args...)...)
			if code != c.code || !matches(c.out, out) || !matches(c.err, errOut) {
				t.Errorf("exit code %d\nstdout %q\nstderr %q\nwant %d\n%q\n%q", code, out, errOut, c.code, c.out, c.err)
			}
			if strings.Contains(out+errOut, token) {
				t.Error("the token is printed")
			}
		})
	}

	if code := stop(); code != 0 {
		t.Errorf("the server ended with exit code %d", code)
	}
	printed, stop = startServer(t, data)
	if !strings.Contains(printed, "Sign in at "+addressIn(t, printed)+"/console") {
		t.Errorf("a second start says:\n%s", printed)
	}
	if code := stop(); code != 0 {
		t.Errorf("the server ended with exit code %d", code)
	}
	if code, out, errOut := run(t, "", "plugin", "publish", "--data", data, "--skip-existing", file); code != 0 || !strings.Contains(out, "skipped") {
		t.Errorf("after the server: exit code %d, %q, %q", code, out, errOut)
	}
}

func matches(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	return regexp.MustCompile(pattern).MatchString(text)
}

// A registry apart from the data folder is published to with and without the
// server that shares it, whose data folder has none of its own.
func TestServeOnARegistryThatIsShared(t *testing.T) {
	oci := httptest.NewServer(ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0)), ociserver.WithReferrersSupport(true)))
	defer oci.Close()
	for name, where := range map[string]string{
		"folder":       filepath.Join(t.TempDir(), "releases"),
		"OCI registry": strings.Replace(oci.URL, "http://", "oci+http://", 1) + "/carrel/plugins",
	} {
		t.Run(name, func(t *testing.T) {
			data, elsewhere := t.TempDir(), t.TempDir()
			if code, _, errOut := run(t, "correct horse battery staple\n", "admin", "user", "create", "ada@example.com", "--name", "Ada", "--operator", "--data", data); code != 0 {
				t.Fatal(errOut)
			}
			_, token, _ := run(t, "", "admin", "token", "create", "ada@example.com", "--data", data)
			t.Setenv("CARREL_TOKEN", strings.TrimSpace(token))
			t.Setenv("CARREL_REGISTRY", where)
			printed, _ := startServer(t, data)
			server := addressIn(t, printed)
			events := filepath.Join(t.TempDir(), "events.go")
			for _, c := range []struct {
				args []string
				out  string
			}{
				{[]string{"publish", "--data", elsewhere, writePlugin(t, t.TempDir(), "tasks", "1.0.0", "Tasks")}, `^acme/tasks 1\.0\.0 published`},
				{[]string{"bind", "--server", server, "tasks", "-o", events}, `^acme/tasks 1\.0\.0 bound`},
				{[]string{"publish", "--server", server, writePlugin(t, t.TempDir(), "tasks", "1.1.0", "Tasks")}, `^acme/tasks 1\.1\.0 published`},
				{[]string{"bind", "--registry", where, "--data", elsewhere, "tasks", "-o", events}, `^acme/tasks 1\.1\.0 bound`},
				{[]string{"yank", "--data", elsewhere, "tasks", "1.1.0"}, `^acme/tasks 1\.1\.0 yanked`},
				{[]string{"yank", "--server", server, "tasks", "1.1.0", "--undo"}, `^acme/tasks 1\.1\.0 offered`},
			} {
				if code, out, errOut := run(t, "", append([]string{"plugin"}, c.args...)...); code != 0 || !matches(c.out, out) || errOut != "" {
					t.Errorf("%s: exit code %d, %q, %q", c.args, code, out, errOut)
				}
			}
			for _, dir := range []string{data, elsewhere} {
				if _, err := os.Stat(filepath.Join(dir, "registry")); err == nil {
					t.Errorf("%s has a registry of its own", dir)
				}
			}
		})
	}
	t.Run("nothing there", func(t *testing.T) {
		code, out, errOut := run(t, "", "plugin", "yank", "--registry", filepath.Join(t.TempDir(), "missing"), "tasks", "1.0.0")
		if code != 1 || out != "" || !strings.Contains(errOut, "Name a folder with releases with --registry") {
			t.Errorf("exit code %d, %q, %q", code, out, errOut)
		}
	})
}

// A second server on a folder refuses, and the first one does not notice.
func TestFault14_ASecondServerOnAFolderIsRefused(t *testing.T) {
	data := t.TempDir()
	printed, stop := startServer(t, data)
	if !strings.Contains(printed, "/console/setup#") {
		t.Errorf("the first start prints no set-up link:\n%s", printed)
	}
	code, out, errOut := run(t, "", "serve", "--addr", "127.0.0.1:0", "--data", data)
	if code != 1 || out != "" || !strings.Contains(errOut, "in use by another Carrel server") || !strings.Contains(errOut, "--data") {
		t.Errorf("the second: exit code %d, %q, %q", code, out, errOut)
	}
	answer, err := http.Get(addressIn(t, printed) + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the first answers %s", answer.Status)
	}
	if code := stop(); code != 0 {
		t.Errorf("the first ended with exit code %d", code)
	}
}

// A damaged module is healed by the command that every start of a development
// server begins with.
func TestFault11_PublishingWithSkipExistingHeals(t *testing.T) {
	data := t.TempDir()
	file := writePlugin(t, t.TempDir(), "tasks", "1.0.0", "Tasks")
	for _, want := range []string{"published", "skipped", "damage", "published", "skipped"} {
		if want == "damage" {
			module, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			blob := filepath.Join(data, "registry", "blobs", "sha256", strings.TrimPrefix(string(runtime.DigestOf(module)), "sha256:"))
			if err := os.Truncate(blob, 10); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if code, out, errOut := run(t, "", "plugin", "publish", "--data", data, "--skip-existing", file); code != 0 || !strings.Contains(out, " "+want+" ") {
			t.Fatalf("exit code %d, %q, %q, want %q", code, out, errOut, want)
		}
	}
}

func TestServeSaysWhatKeepsItFromStarting(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"an address that is none":      {[]string{"--addr", "nonsense"}, "nonsense can't be listened on"},
		"a plans file that is missing": {[]string{"--plans", filepath.Join(data, "missing.json")}, "missing.json"},
		"a data folder that is a file": {[]string{"--data", file}, file},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := run(t, "", append([]string{"serve", "--addr", "127.0.0.1:0", "--data", t.TempDir()}, c.args...)...)
			if code != 1 || out != "" || !strings.Contains(errOut, c.says) {
				t.Errorf("exit code %d, %q, %q", code, out, errOut)
			}
		})
	}
}

// A server collects when it has allocated as much as its floor, but not where its
// operator has said when to.
func TestServeCollectsRarely(t *testing.T) {
	next := func(t *testing.T) uint64 {
		_, stop := startServer(t, t.TempDir())
		defer stop()
		goruntime.GC()
		var stats goruntime.MemStats
		goruntime.ReadMemStats(&stats)
		return stats.NextGC
	}
	if got := next(t); got < 2*heapFloor {
		t.Errorf("the next collection is at %d MiB", got>>20)
	}
	for _, variable := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, "100")
			if got := next(t); got > heapFloor {
				t.Errorf("the next collection is at %d MiB", got>>20)
			}
		})
	}
}

// What was in use before the floor was made is no reason to touch it. In a process of
// its own, as it depends on what was in use when.
func TestTheFloorOfTheHeapTakesNoRoom(t *testing.T) {
	const here = "CARREL_TEST_HEAP_FLOOR"
	if os.Getenv(here) == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), here+"=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	resident := func() (bytes int) {
		statm, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			t.Skip("only Linux says how much memory is resident")
		}
		var pages int
		if _, err := fmt.Sscan(string(statm), new(int), &pages); err != nil {
			t.Fatal(err)
		}
		return pages * os.Getpagesize()
	}
	used := make([]byte, 32<<20)
	for i := range used {
		used[i] = 1
	}
	goruntime.KeepAlive(used)
	used = nil
	goruntime.GC()
	before := resident()
	floor := newHeapFloor()
	if grown := resident() - before; grown > heapFloor/4 {
		t.Errorf("it takes %d MiB", grown>>20)
	}
	goruntime.KeepAlive(floor)
}
