package client

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

// Connection is one keep-alive connection that asks and waits for the answer,
// over and over. It shares the processors with who is measured, so it does little
// more than a client must: it writes the request's bytes as they are, and has the
// answer read by fasthttp.
type Connection struct {
	conn     net.Conn
	host     string
	reader   *bufio.Reader
	request  []byte
	body     []byte
	response fasthttp.Response
}

// Dial connects to a server.
func Dial(host string) (*Connection, error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	return &Connection{conn: conn, host: host, reader: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// Close ends the connection.
func (c *Connection) Close() { c.conn.Close() }

// Send makes request n, and answers the status of its answer, whatever that is.
func (c *Connection) Send(w Work, a Ask, n int) (status int, err error) {
	c.request = c.appendRequest(c.request[:0], w, a, n)
	if err := c.conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return 0, err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return 0, err
	}
	err = c.response.Read(c.reader)
	return c.response.StatusCode(), err
}

// Do makes request n, and fails unless the answer is right.
func (c *Connection) Do(w Work, a Ask, n int) error {
	status, err := c.Send(w, a, n)
	if err != nil {
		return err
	}
	wrong := ""
	if status != a.Status {
		wrong = fmt.Sprintf("its status is %d, not %d", status, a.Status)
	} else {
		wrong = w.Wrong(n, c.response.Body())
	}
	if wrong != "" {
		return fmt.Errorf("%s %s (%s %d) was answered wrongly, %s: %.500s", w.Method, a.Path, w.Name, n, wrong, c.response.Body())
	}
	return nil
}

func (c *Connection) appendRequest(to []byte, w Work, a Ask, n int) []byte {
	to = append(append(append(to, w.Method...), ' '), a.Path...)
	to = append(append(to, " HTTP/1.1\r\nHost: "...), c.host...)
	if a.Token != "" {
		to = append(append(to, "\r\nAuthorization: Bearer "...), a.Token...)
	}
	if w.Body == nil {
		return append(to, "\r\n\r\n"...)
	}
	c.body = w.Body(c.body[:0], n)
	to = append(to, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	to = append(strconv.AppendInt(to, int64(len(c.body)), 10), "\r\n\r\n"...)
	return append(to, c.body...)
}

// Ask is a request but for its body, and what status answers it.
type Ask struct {
	Path   string
	Token  string // a bearer token; "": it is asked for anonymously
	Status int
}
