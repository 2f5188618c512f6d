package web

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A client that is still sending when its request is refused (a body too
// large) must be able to read the refusal. Closing a connection that has unread
// bytes resets it, and the answer is lost with it. So such a connection is
// closed in one direction first, and what still arrives is thrown away.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 64 << 20
)

// listener makes such connections. Closing it also closes the connections on
// which nothing has arrived yet: browsers open some in advance, and a server
// that is ending would wait for their first request until its time is up.
type listener struct {
	net.Listener
	mu     sync.Mutex
	silent map[*conn]struct{}
}

func newListener(l net.Listener) *listener {
	return &listener{Listener: l, silent: map[*conn]struct{}{}}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: accepted, heard: func(c *conn) {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.silent, c)
	}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent[c] = struct{}{}
	return c, nil
}

// Close implements net.Listener.
func (l *listener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.silent {
		_ = c.Conn.Close()
	}
	return err
}

type conn struct {
	net.Conn
	linger atomic.Bool
	spoken atomic.Bool
	heard  func(*conn) // called once, when the first bytes have arrived or none will
}

// linger makes the connection close slowly.
func linger(c net.Conn) {
	if c, ok := c.(*conn); ok {
		c.linger.Store(true)
	}
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.spoken.CompareAndSwap(false, true) {
		c.heard(c)
	}
	return n, err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if c.spoken.CompareAndSwap(false, true) {
		c.heard(c)
	}
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if ok && c.linger.CompareAndSwap(true, false) && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}
