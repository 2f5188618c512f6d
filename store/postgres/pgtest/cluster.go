package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a Postgres server with a folder of its own. It listens on a Unix
// socket in that folder and nowhere else.
type Cluster struct {
	dir  string
	bin  string
	cred *syscall.Credential // who it runs as; nil: whoever runs the test

	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// NewCluster makes a cluster in a new temporary folder, and starts it. durable
// has it write to disk as a real one does; without it, it is faster and loses
// everything with the machine, though nothing with the process.
func NewCluster(durable bool) (_ *Cluster, err error) {
	c := &Cluster{}
	if c.bin, err = binaries(); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "carrel-pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Remove())
		}
	}()
	if os.Geteuid() == 0 { // Postgres refuses to run as root
		if c.cred, err = credential("postgres"); err != nil {
			return nil, err
		}
		if err := os.Chown(c.dir, int(c.cred.Uid), int(c.cred.Gid)); err != nil {
			return nil, err
		}
	}
	initdb := c.command("initdb", "--pgdata", c.data(), "--username", "postgres", "--auth", "trust", "--no-sync",
		"--encoding", "UTF8", "--locale", "C.UTF-8")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	config := "listen_addresses = ''\nunix_socket_directories = '" + c.dir + "'\nmax_connections = 200\nshared_buffers = 128MB\n"
	if !durable {
		config += "fsync = off\nfull_page_writes = off\n"
	}
	if err := c.configure(config); err != nil {
		return nil, err
	}
	return c, c.Start()
}

// configure adds to the cluster's settings.
func (c *Cluster) configure(lines string) error {
	file, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(lines)
	return errors.Join(err, file.Close())
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred}
	return cmd
}

// Start starts the server, and returns when it answers.
func (c *Cluster) Start() error {
	cmd := c.command("postgres", "-D", c.data())
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	// Should the test's process be killed, its server ends with it. The kernel
	// ties that to the thread which started it, so it is kept.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
	c.process, c.ended = cmd, make(chan struct{})
	started := make(chan error, 1)
	go func() {
		goruntime.LockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		cmd.Wait() //nolint:errcheck // how it ended is in its log
		close(c.ended)
	}()
	if err := <-started; err != nil {
		return err
	}
	deadline := time.Now().Add(time.Minute)
	for {
		conn, err := pgx.Connect(context.Background(), c.URL("postgres"))
		if err == nil {
			return conn.Close(context.Background())
		}
		select {
		case <-c.ended:
			said, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("postgres ended: %s", said)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("postgres does not answer: %w", err)
		}
	}
}

// Stop ends the server as a crash would (SIGQUIT): at its next start it recovers
// from its log.
func (c *Cluster) Stop() error {
	if c.process == nil {
		return nil
	}
	if err := c.process.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-c.ended
	c.process = nil
	return nil
}

// Remove ends the server and removes its folder.
func (c *Cluster) Remove() error { return errors.Join(c.Stop(), os.RemoveAll(c.dir)) }

// PID is the number of the server's process, whose children serve the connections.
func (c *Cluster) PID() int { return c.process.Process.Pid }

// URL is the address of one of its databases, as the superuser.
func (c *Cluster) URL(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {c.dir}, "user": {"postgres"}}.Encode()
}

// Create makes an empty database.
func (c *Cluster) Create(ctx context.Context, name string) error {
	return c.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
}

// Drop removes a database, and whoever is connected to it.
func (c *Cluster) Drop(ctx context.Context, name string) error {
	return c.exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

// Checkpoint writes to the files of tables what is only in the log.
func (c *Cluster) Checkpoint(ctx context.Context) error { return c.exec(ctx, "CHECKPOINT") }

func (c *Cluster) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// ErrMissing is that there is no Postgres on this machine.
var ErrMissing = errors.New("there is no Postgres here: `go tool task test:needs` installs it")

// binaries finds the folder of initdb and postgres: of the newest version where
// Debian keeps them, or wherever the path leads.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrMissing
	}
	return filepath.Dir(path), nil
}

func credential(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uerr, gerr)
}
