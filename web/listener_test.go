package web

import (
	"context"
	"net"
	"testing"
	"time"
)

// A connection that was opened in advance, and on which nothing was sent, must
// not keep the server from ending.
func TestShutdownDoesNotWaitForSilentConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(inner)
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := accepted.Read(make([]byte, 1))
		read <- err
	}()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	select {
	case err := <-read:
		if err == nil {
			t.Error("the read succeeded")
		}
	case <-ctx.Done():
		t.Fatal("the connection is still open")
	}
}
