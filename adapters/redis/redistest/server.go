package redistest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"syscall"
	"testing"
)

// Server is a Redis server that keeps nothing on disk.
type Server struct {
	t    testing.TB
	path string // of the program
	dir  string
	args []string

	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// Start starts a server, with more of redis-server's own options as needed, and
// ends it with the test. Where there is no Redis the test is skipped, though never
// in CI.
func Start(t testing.TB, options ...string) *Server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("there is no Redis here: `go tool task test:needs` installs it")
	}
	if err != nil {
		t.Fatal(err)
	}
	// Not the test's own folder, whose name may be too long for a socket.
	dir, err := os.MkdirTemp("", "carrel-redis-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, path: path, dir: dir, args: options}
	t.Cleanup(func() {
		s.Stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s.Start()
	return s
}

// Socket is the path of the server's socket.
func (s *Server) Socket() string { return filepath.Join(s.dir, "redis.sock") }

// URL is the server's address, without user and password.
func (s *Server) URL() string { return "unix://" + s.Socket() }

// Start starts the server, empty, and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	args := []string{"--port", "0", "--unixsocket", s.Socket(), "--dir", s.dir, "--save", "", "--appendonly", "no"}
	cmd := exec.Command(s.path, append(args, s.args...)...)
	// Should the test's process be killed, its server ends with it. The kernel
	// ties that to the thread which started it, so it is kept.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.process, s.ended = cmd, make(chan struct{})
	ready := make(chan error, 1)
	go func() {
		defer close(s.ended)
		goruntime.LockOSThread()
		if err := cmd.Start(); err != nil {
			ready <- err
			return
		}
		var said bytes.Buffer
		for lines := bufio.NewScanner(io.TeeReader(out, &said)); lines.Scan(); {
			if strings.Contains(lines.Text(), "eady to accept connections") { // with a capital or, of a socket, without
				ready <- nil
				io.Copy(io.Discard, out) //nolint:errcheck // until it ends
				break
			}
		}
		cmd.Wait() //nolint:errcheck // how it ended is the test's doing
		ready <- errors.New("redis-server ended: " + said.String())
	}()
	if err := <-ready; err != nil {
		s.t.Fatal(err)
	}
}

// Stop ends the server at once; what it held is lost. A second time does nothing.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	s.signal(syscall.SIGKILL)
	<-s.ended
	s.process = nil
}

// Suspend has the server take connections and answer nothing, until Resume.
func (s *Server) Suspend() { s.signal(syscall.SIGSTOP) }

// Resume lets a suspended server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal os.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
}

// Do sends a command of plain words over a connection of its own, and returns all
// of a short answer, as Redis writes it.
func (s *Server) Do(words ...string) string {
	s.t.Helper()
	conn, err := net.Dial("unix", s.Socket())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, strings.Join(words, " ")+"\r\nQUIT\r\n"); err != nil {
		s.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSuffix(string(answer), "+OK\r\n")
}
