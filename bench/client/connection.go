package main

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// answerWithin is how long a request may take before the measurement fails.
const answerWithin = 10 * time.Second

// connection is one keep-alive connection that asks and waits for the answer,
// over and over. It shares the processors with who is measured, so it does little
// more than a client must: it writes the request's bytes as they are, and has the
// answer read by fasthttp.
type connection struct {
	conn     net.Conn
	host     string
	reader   *bufio.Reader
	request  []byte
	body     []byte
	response fasthttp.Response
}

func dial(host string) (*connection, error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, host: host, reader: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (c *connection) close() { c.conn.Close() }

// do makes request n, and fails unless the answer is right.
func (c *connection) do(w work, a ask, n int) error {
	c.request = c.appendRequest(c.request[:0], w, a, n)
	if err := c.conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	if err := c.response.Read(c.reader); err != nil {
		return err
	}
	wrong := ""
	if got := c.response.StatusCode(); got != a.status {
		wrong = fmt.Sprintf("its status is %d, not %d", got, a.status)
	} else {
		wrong = w.wrong(n, c.response.Body())
	}
	if wrong != "" {
		return fmt.Errorf("%s %s (%s %d) was answered wrongly, %s: %.500s", w.method, a.path, w.name, n, wrong, c.response.Body())
	}
	return nil
}

func (c *connection) appendRequest(to []byte, w work, a ask, n int) []byte {
	to = append(append(append(to, w.method...), ' '), a.path...)
	to = append(append(to, " HTTP/1.1\r\nHost: "...), c.host...)
	if a.token != "" {
		to = append(append(to, "\r\nAuthorization: Bearer "...), a.token...)
	}
	if w.body == nil {
		return append(to, "\r\n\r\n"...)
	}
	c.body = w.body(c.body[:0], n)
	to = append(to, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	to = append(strconv.AppendInt(to, int64(len(c.body)), 10), "\r\n\r\n"...)
	return append(to, c.body...)
}
