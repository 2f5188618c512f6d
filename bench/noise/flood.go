package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/bench/carrel"
	"github.com/carrel-dev/carrel/bench/client"
)

// floodCommand is the argument this program is started with for the flood, which
// is a process of its own so that who measures doesn't wait for it.
const floodCommand = "flood"

// flooder is what the child is told on its standard input. It ends with that.
type flooder struct {
	Host        string
	Asks        map[string]client.Ask // by kind of work
	Connections int
}

// flooded is what it says in the end.
type flooded struct {
	Answered int64 // requests that were done
	Refused  int64 // requests that were one too many
	Events   int64 // that were emitted
	Seconds  float64
}

// peal is a call that emits many events.
var peal = client.Work{Name: "peal", Method: http.MethodPost, Body: func(to []byte, n int) []byte {
	return fmt.Appendf(to, `{"number":%d,"who":"reader%d@example.com","times":%d}`, n, n, pealed)
}}

// pealed is how many events a peal emits, and pealEvery which share of the
// connections make them.
const (
	pealed    = 100
	pealEvery = 4
)

// flood is one that is on.
type flood struct {
	server    *carrel.Server
	workspace string
	child     *exec.Cmd
	end       io.Closer
	said      strings.Builder
}

// startFlood makes a workspace and floods the server from there.
func (o *options) startFlood(ctx context.Context, s *carrel.Server, workspace string) (*flood, error) {
	if err := s.Workspace(ctx, workspace, "all", "desk", "bell"); err != nil {
		return nil, err
	}
	told := flooder{Host: s.Host(), Connections: o.flood, Asks: map[string]client.Ask{}}
	for _, w := range client.Works {
		told.Asks[w.Name] = s.Ask(workspace, w)
	}
	told.Asks[peal.Name] = s.AskOf(workspace, "bell", "/peal")
	input, err := json.Marshal(told)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &flood{server: s, workspace: workspace, child: exec.CommandContext(ctx, self, floodCommand)}
	f.child.Stdout, f.child.Stderr = &f.said, os.Stderr
	in, err := f.child.StdinPipe()
	if err != nil {
		return nil, err
	}
	f.end = in
	if err := f.child.Start(); err != nil {
		return nil, err
	}
	_, err = in.Write(append(input, '\n'))
	return f, err
}

// stop ends the flood and deletes its workspace, with whatever it has waiting.
func (f *flood) stop(ctx context.Context) (said flooded, err error) {
	if err := errors.Join(f.end.Close(), f.child.Wait()); err != nil {
		return said, err
	}
	if err := json.Unmarshal([]byte(f.said.String()), &said); err != nil {
		return said, fmt.Errorf("the flood said %q: %w", &f.said, err)
	}
	return said, f.server.Delete(ctx, f.workspace)
}

// flooding is the child: every connection asks again as soon as it was answered,
// until its standard input ends.
func flooding(ctx context.Context, in io.Reader, out io.Writer) error {
	var told flooder
	lines := json.NewDecoder(in)
	if err := lines.Decode(&told); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	var done flooded
	var n atomic.Int64
	began := time.Now()
	errs := make([]error, told.Connections)
	var all sync.WaitGroup
	for i := range told.Connections {
		all.Go(func() { errs[i] = told.ask(ctx, i, &n, &done) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	done.Seconds = time.Since(began).Seconds()
	return json.NewEncoder(out).Encode(done)
}

// ask is what connection i does.
func (f *flooder) ask(ctx context.Context, i int, n *atomic.Int64, done *flooded) error {
	c, err := client.Dial(f.Host)
	if err != nil {
		return err
	}
	defer c.Close()
	for ctx.Err() == nil {
		number := int(n.Add(1))
		w := client.Works[number%len(client.Works)]
		if i%pealEvery == 0 {
			w = peal
		}
		status, err := c.Send(w, f.Asks[w.Name], number)
		switch {
		case err != nil:
			return err
		case status == http.StatusTooManyRequests:
			atomic.AddInt64(&done.Refused, 1)
		case status >= http.StatusMultipleChoices:
			return fmt.Errorf("a %s was answered with %d", w.Name, status)
		default:
			atomic.AddInt64(&done.Answered, 1)
			if w.Name == peal.Name {
				atomic.AddInt64(&done.Events, pealed)
			}
		}
	}
	return nil
}
