package web

import (
	"io"
	"net"
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

type lingering struct{ net.Listener }

// Accept implements net.Listener.
func (l lingering) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lingerConn{Conn: conn}, nil
}

type lingerConn struct {
	net.Conn
	on atomic.Bool
}

// linger makes the connection close slowly.
func linger(conn net.Conn) {
	if c, ok := conn.(*lingerConn); ok {
		c.on.Store(true)
	}
}

// Close implements net.Conn.
func (c *lingerConn) Close() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if ok && c.on.CompareAndSwap(true, false) && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}
