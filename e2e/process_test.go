package e2e

import (
	"bufio"
	"bytes"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// process is a server in a process of its own, to be killed.
type process struct {
	*testing.T
	dir   string
	db    string // the URL of its Postgres; empty: it has a file in dir
	url   string
	setup string // the token of the set-up link, if one was printed
	meter string // the URL of the metrics, if they are served
	cmd   *exec.Cmd
	log   *bytes.Buffer

	bin       string   // the command; empty: this source's
	args, env []string // more of them, for the next start
	releases  []string // the flag of a registry that it shares
}

// newProcess publishes the plugins into an empty folder, with no server
// running, and starts a server on it.
func newProcess(t *testing.T, plugins ...string) *process {
	t.Helper()
	p := &process{T: t, dir: t.TempDir(), db: pgtest.Chosen(t)}
	p.publish(plugins...)
	p.start()
	t.Cleanup(p.end)
	return p
}

// publish puts plugins into the marketplace of a server that does not run.
func (p *process) publish(plugins ...string) {
	p.Helper()
	for _, name := range plugins {
		file := filepath.Join(p.TempDir(), filepath.Base(name)+".wasm")
		if err := os.WriteFile(file, module(p.T, name), 0o600); err != nil {
			p.Fatal(err)
		}
		if out, err := exec.Command(p.carrel(), append([]string{"plugin", "publish", "--data", p.dir, file}, p.releases...)...).CombinedOutput(); err != nil {
			p.Fatalf("publish %s: %v\n%s", name, err, out)
		}
	}
}

// end kills the server with its test, and shows its log when that failed.
func (p *process) end() {
	p.kill()
	if p.Failed() {
		p.Logf("the last server's log:\n%s", p.log)
	}
}

func (p *process) carrel() string {
	if p.bin != "" {
		return p.bin
	}
	path, err := binary()
	if err != nil {
		p.Fatal(err)
	}
	return path
}

var (
	serves  = regexp.MustCompile(`Carrel serves (http://\S+),`)
	metrics = regexp.MustCompile(`Metrics are at (http://\S+)\.`)
	link    = regexp.MustCompile(`/console/setup#(\S+)`)
)

// command is the server's, not started.
func (p *process) command() *exec.Cmd {
	p.Helper()
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", p.dir, "--sign-up", "open", "--plans", "testdata/plans.json", "--allow-private-mail"}
	if p.db != "" {
		args = append(args, "--database-url", p.db)
	}
	cmd := exec.Command(p.carrel(), append(append(args, p.releases...), p.args...)...)
	cmd.Env = append(os.Environ(), p.env...)
	return cmd
}

// start starts the server and waits until it says where it is.
func (p *process) start() {
	p.Helper()
	p.cmd, p.log = p.command(), new(bytes.Buffer)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if m := serves.FindStringSubmatch(line); m != nil {
			p.url = m[1]
		}
		if m := metrics.FindStringSubmatch(line); m != nil {
			p.meter = m[1]
		}
		if m := link.FindStringSubmatch(line); m != nil {
			p.setup, _ = url.QueryUnescape(m[1])
		}
		if p.url != "" && (p.setup != "" || signIn.MatchString(line)) {
			go io.Copy(io.Discard, out) //nolint:errcheck // ends with the process
			return
		}
	}
	err = p.cmd.Wait()
	p.Fatalf("the server ended: %v\n%s", err, p.log)
}

var signIn = regexp.MustCompile(`^Sign in at`)

// kill ends the server as a power failure would end it.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	_ = p.cmd.Wait()
	p.cmd, p.url, p.setup = nil, "", ""
}

// world is the server as people see it, now.
func (p *process) world() *world { return &world{T: p.T, dir: p.dir, db: p.db, url: p.url} }
