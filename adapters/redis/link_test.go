package redis

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/redis/redistest"
	"github.com/carrel-dev/carrel/core"
)

// late is when a test gives up waiting for what should have happened long ago.
const late = 30 * time.Second

// node is a link with ears that a test looks at.
type node struct {
	*Link
	t     *testing.T
	due   chan struct{}
	all   chan struct{}
	moved chan core.WorkspaceID
	log   *journal
}

// newNode makes a link that isn't started. Its requests wait for Redis as long as a
// busy machine takes, unless a test is about that.
func newNode(t *testing.T, url, secret string) *node {
	t.Helper()
	log := &journal{line: make(chan string, 100)}
	link, err := New(Config{URL: url, Secret: []byte(secret), Bound: late, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := link.Close(); err != nil {
			t.Error(err)
		}
	})
	return &node{link, t, make(chan struct{}, 1000), make(chan struct{}, 1000), make(chan core.WorkspaceID, 1000), log}
}

func (n *node) listen() {
	n.Start(Ears{
		Due:   func() { n.due <- struct{}{} },
		All:   func() { n.all <- struct{}{} },
		Moved: func(ws core.WorkspaceID) { n.moved <- ws },
	})
}

// join makes a node of a deployment and waits until it hears.
func join(t *testing.T, s *redistest.Server, secret string) *node {
	t.Helper()
	n := newNode(t, s.URL(), secret)
	n.listen()
	n.missed()
	return n
}

// missed waits until the node has heard that it may have missed everything.
func (n *node) missed() {
	n.t.Helper()
	await(n.t, n.all)
	await(n.t, n.due)
}

func await[T any](t *testing.T, c <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-c:
	case <-time.After(late):
		t.Fatal("nothing came")
	}
	return got
}

// journal is a log that can be waited for.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
	line chan string
}

func (j *journal) Write(line []byte) (int, error) {
	j.line <- string(line)
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// says waits for the next line, which must have a text.
func (j *journal) says(t *testing.T, want string) {
	t.Helper()
	if line := await(t, j.line); !strings.Contains(line, want) {
		t.Fatalf("the log says %q, want %q", line, want)
	}
}

// A server that is not there delays no start, and is spoken of once, however often
// it is tried.
func TestStartWithoutRedis(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "redis.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	tries := make(chan struct{})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
			tries <- struct{}{}
		}
	}()
	n := newNode(t, "unix://"+socket, "one")
	n.listen()
	for range 6 {
		await(t, tries)
	}
	listener.Close()
	if lines := strings.Count(n.log.String(), "\n"); lines != 1 || !strings.Contains(n.log.String(), "level=WARN") {
		t.Errorf("after six tries the log says:\n%s", n.log)
	}
}

// Fault 7: a server that ends and comes back is found again. Each node takes it that
// it missed everything, as it may have.
func TestFault07_RedisRestarts(t *testing.T) {
	s := redistest.Start(t)
	a, b := join(t, s, "one"), join(t, s, "one")
	a.log.says(t, "redis answers")
	for _, ws := range []core.WorkspaceID{"ws_1", "ws_2"} {
		s.Stop()
		a.log.says(t, "redis doesn't answer")
		a.Moved("ws_0") // said when it is back, to whom is back by then
		s.Start()
		a.log.says(t, "redis answers again")
		a.missed()
		b.missed()
		a.Moved(ws)
		for await(t, b.moved) != ws {
		}
	}
}

// What a node has to say while it can't, it says when it can.
func TestSaidLater(t *testing.T) {
	s := redistest.Start(t)
	a := join(t, s, "one")
	b := newNode(t, s.URL(), "one")
	b.Moved("ws_1")
	b.Moved("ws_2")
	b.listen()
	if one, other := await(t, a.moved), await(t, a.moved); min(one, other) != "ws_1" || max(one, other) != "ws_2" {
		t.Errorf("%s and %s have moved", one, other)
	}
}

func TestFault07_RedisFlushed(t *testing.T) {
	s := redistest.Start(t)
	a, b := join(t, s, "one"), join(t, s, "one")
	count := a.Counter("sign-in")
	if ok, err := count.Take(t.Context(), "ada", 1, time.Hour); !ok || err != nil {
		t.Fatal(ok, err)
	}
	s.Do("FLUSHALL")
	s.Do("SCRIPT FLUSH")
	a.Due()
	await(t, b.due)
	if ok, err := count.Take(t.Context(), "ada", 1, time.Hour); !ok || err != nil {
		t.Errorf("it counts %v, %v after what it knew is gone", ok, err)
	}
}

// Fault 7: while a server takes what it is asked and answers nothing, the first
// requests wait for the bound and all others for nothing.
func TestFault07_RedisHangs(t *testing.T) {
	s := redistest.Start(t)
	n := newNode(t, s.URL(), "one")
	n.bound = 500 * time.Millisecond // more than a busy machine takes to answer
	n.listen()
	n.missed()
	n.log.says(t, "redis answers")
	s.Suspend()
	const many = 20_000
	began := time.Now()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range many / 4 {
				if _, err := n.Counter("sign-in").Take(t.Context(), "ada", 1, time.Hour); core.KindOf(err) != core.Unavailable {
					t.Errorf("an answer of nobody: %v", err)
				}
			}
		})
	}
	all.Wait()
	// With a wait of the bound for each of them it is hours.
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("%d requests waited %v for a server that hangs", many, took)
	}
	if n.Alone() < many {
		t.Errorf("%d of %d are said to have had no answer", n.Alone(), many)
	}
	n.log.says(t, "redis doesn't answer")
	s.Resume()
	n.missed()
}

// Attack 7: two deployments on one Redis meet neither in messages nor in counts.
func TestAttack07_DeploymentsShareARedis(t *testing.T) {
	s := redistest.Start(t)
	a, b, other := join(t, s, "one"), join(t, s, "one"), join(t, s, "two")
	a.Moved("ws_1")
	await(t, b.moved)
	other.Moved("ws_2") // behind that of a, if the other could hear it
	for _, n := range []*node{a, other} {
		ok, err := n.Counter("sign-in").Take(t.Context(), "ada", 1, time.Hour)
		if !ok || err != nil {
			t.Errorf("the first of a deployment: %v, %v", ok, err)
		}
	}
	a.Moved("ws_3")
	if ws := await(t, b.moved); ws != "ws_3" {
		t.Errorf("%s has moved", ws)
	}
	if len(other.moved) != 0 || len(other.due) != 0 {
		t.Error("it heard another deployment")
	}
}

// Attack 51: the password is in no error and no log, whatever goes wrong.
func TestAttack51_URLIsASecret(t *testing.T) {
	const password = "hunter2-canary"
	for _, url := range []string{
		"http://carrel:" + password + "@127.0.0.1", "redis://carrel:" + password + "@127.0.0.1/none", "redis://x:" + password + "@[::1",
		"redis://carrel:" + password + "@127.0.0.1?wrong=1", password,
	} {
		_, err := New(Config{URL: url})
		if core.KindOf(err) != core.Invalid || !strings.Contains(err.Error(), "--redis-url") || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", url, err)
		}
	}
	s := redistest.Start(t, "--requirepass", "another")
	for _, url := range []string{
		"unix://carrel:" + password + "@" + s.Socket(),
		"redis://carrel:" + password + "@127.0.0.1:1",
		"redis://:" + password + "@" + "host.invalid",
	} {
		n := newNode(t, url, "one")
		n.listen()
		line := await(t, n.log.line)
		if !strings.Contains(line, "redis doesn't answer") || strings.Contains(line, password) {
			t.Errorf("%s: %s", url, line)
		}
	}
	n := newNode(t, "unix://default:another@"+s.Socket(), "one")
	n.listen()
	n.missed()
}

// What docs/operating.md says a user of Redis must be allowed is enough.
func TestOwnUser(t *testing.T) {
	guide, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rule, _ := strings.Cut(string(guide), "ACL SETUSER carrel on ")
	rule, _, ok := strings.Cut(rule, "\n")
	if !ok {
		t.Fatal("the guide has no rule")
	}
	rule = strings.ReplaceAll(rule, "'", "") // the shell's
	user := append([]string{"--user", "carrel", "on"}, strings.Fields(strings.Replace(rule, ">PASSWORD", ">secret", 1))...)
	s := redistest.Start(t, append(user, "--user", "default", "off")...)
	n := newNode(t, "unix://carrel:secret@"+s.Socket(), "one")
	n.listen()
	n.log.says(t, "redis answers")
	n.missed()
	count := n.Counter("sign-in")
	if ok, err := count.Take(t.Context(), "ada", 1, time.Hour); !ok || err != nil {
		t.Error(ok, err)
	}
	count.GiveBack(t.Context(), "ada")
	count.Forget(t.Context(), "ada")
	if !n.Answers() {
		t.Errorf("something is forbidden: %s", n.log)
	}
}

// rediss:// is TLS, with a certificate that must be valid.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	port := freePort(t)
	redistest.Start(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
	n := newNode(t, "rediss://127.0.0.1:"+port, "one")
	n.listen()
	n.log.says(t, "unknown authority")
	n = newNode(t, "rediss://127.0.0.1:"+port+"?skip_verify=true", "one")
	n.listen()
	n.missed()
}

func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signed, err := x509.CreateCertificate(rand.Reader, of, of, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", signed), write("key.pem", "PRIVATE KEY", bare)
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}
