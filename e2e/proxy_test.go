package e2e

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy stands between a server and its Postgres, and does to their connections
// what networks do.
type proxy struct {
	*testing.T
	url   string       // of the database, through it
	delay atomic.Int64 // of whatever Postgres answers, in ns

	mu     sync.Mutex
	marker []byte // whose answer is lost
	left   int    // of those to lose
	lost   int
}

const pgSocket = ".s.PGSQL.5432"

// newProxy stands before a database of pgtest's, until the test ends.
func newProxy(t *testing.T, db string) *proxy {
	t.Helper()
	u, err := url.Parse(db)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	to, dir := query.Get("host"), t.TempDir()
	query.Set("host", dir)
	u.RawQuery = query.Encode()
	listener, err := net.Listen("unix", filepath.Join(dir, pgSocket))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{T: t, url: u.String()}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client, filepath.Join(to, pgSocket))
		}
	}()
	return p
}

// lose has the answers to the next so many requests lost that hold some text:
// Postgres has done what they say, and the connection ends.
func (p *proxy) lose(text string, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marker, p.left, p.lost = []byte(text), times, 0
}

// losses is how many answers were lost since lose.
func (p *proxy) losses() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// loses reports whether the answer to a request is to be lost.
func (p *proxy) loses(request []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 || !bytes.Contains(request, p.marker) {
		return false
	}
	p.left--
	return true
}

// readyForQuery is how Postgres ends an answer, outside of a transaction.
var readyForQuery = []byte{'Z', 0, 0, 0, 5, 'I'}

// serve passes on what the two say, until one of them ends it.
func (p *proxy) serve(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("unix", to)
	if err != nil {
		return // as if nobody listened
	}
	defer server.Close()
	var losing atomic.Bool
	go func() {
		defer server.Close()
		var before []byte // what may be the beginning of the text
		pass(client, server, func(request []byte) ([]byte, bool) {
			all := append(before, request...)
			if p.loses(all) {
				losing.Store(true)
				all = nil
			}
			before = bytes.Clone(all[max(0, len(all)-256):])
			return request, true
		})
	}()
	pass(server, client, func(answer []byte) ([]byte, bool) {
		time.Sleep(time.Duration(p.delay.Load()))
		if !losing.Load() {
			return answer, true
		}
		if !bytes.HasSuffix(answer, readyForQuery) {
			return nil, true
		}
		p.mu.Lock()
		p.lost++
		p.mu.Unlock()
		return nil, false
	})
}

// pass copies from one connection to another what through makes of it, for as long
// as it says.
func pass(from io.Reader, to io.Writer, through func([]byte) ([]byte, bool)) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		some, on := through(buffer[:n])
		_, failed := to.Write(some)
		if errors.Join(err, failed) != nil || !on {
			return
		}
	}
}
