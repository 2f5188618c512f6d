package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime"
)

// plugin builds the plugin of guests/list, on Carrel's SDK, or takes what an
// earlier build left.
func (o *options) plugin() (file string, module []byte, err error) {
	file = filepath.Join(o.dir, "list.wasm")
	if !exists(file) {
		say("building the plugin")
		if err := goBuild(file, "./guests/list"); err != nil {
			return "", nil, err
		}
	}
	module, err = os.ReadFile(file)
	return file, module, err
}

// library is a host with one thing in it: a page of 20 contacts.
type library struct{ page []byte }

func (l library) Call(_ context.Context, op abi.Op, _ []byte) ([]byte, error) {
	if op != abi.OpDataQuery {
		return nil, errors.New("there is only a page to query")
	}
	return bytes.Clone(l.page), nil // as a store would have made it
}

// newLibrary makes about 5 KB of contacts.
func newLibrary(edition int) library {
	var docs []string
	for i := range 20 {
		docs = append(docs, fmt.Sprintf(`{"id":"doc_0199c0de-0000-7000-8000-%06d%06d","version":%d,"createdAt":"2026-01-02T03:04:05.006Z","updatedAt":"2026-01-02T03:04:05.006Z",`+
			`"email":"reader%d.%d@example.com","name":"Reader %d of %d","phone":"+1 555 0%d","lifecycle":"customer","source":"import"}`,
			edition, i, edition+i+1, edition, i, i, edition, 100+i))
	}
	return library{[]byte(`{"data":[` + strings.Join(docs, ",") + `],"nextCursor":"c` + strconv.Itoa(edition) + `"}`)}
}

func invocation(handler string) []byte {
	b, _ := json.Marshal(abi.Invocation{
		ID: "inv_0199c0de-0000-7000-8000-000000000001", Kind: abi.KindQuery, Handler: handler, Trigger: abi.TriggerRequest, Attempt: 1,
		Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seed: 1, Actor: abi.Actor{Type: "member", ID: "acc_0199c0de-0000-7000-8000-000000000002", Role: "member"},
		Request: &abi.Request{Method: "GET", Path: strings.TrimPrefix(handler, "GET "), Headers: map[string]string{"accept": "application/json"}},
	})
	return b
}

// lists measures a page of documents on its way through a plugin.
func (o *options) lists(ctx context.Context) ([]figure, error) {
	_, module, err := o.plugin()
	if err != nil {
		return nil, err
	}
	say("lists")
	engine, m, err := open(ctx, filepath.Join(o.dir, "lists"), runtime.DigestOf(module), module)
	if err != nil {
		return nil, err
	}
	defer engine.Close(ctx)
	var figures []figure
	for _, c := range []struct {
		handler, name string
		most          float64
	}{
		{"GET /contacts", "20 documents (5 KB) read and returned untouched", 60},
		{"GET /decoded", "20 documents read, decoded, encoded and returned", 0},
	} {
		n := 0
		took, err := medianOf(1000, func() (time.Duration, error) {
			n++
			l := newLibrary(n % 16)
			r := engine.Run(ctx, m, runtime.Call{Function: runtime.ExportCall, Input: invocation(c.handler), Now: time.Now(), Host: l})
			if r.Err != nil {
				return 0, r.Err
			}
			if bytes.Count(r.Output, []byte(`"email":"reader`)) != 20 {
				return 0, fmt.Errorf("%s answered %.200s", c.handler, r.Output)
			}
			return r.Duration, nil
		})
		if err != nil {
			return nil, err
		}
		figures = append(figures, figure{Name: c.name, Value: took.Seconds() * 1e6, Unit: "µs", Most: c.most})
	}
	return figures, nil
}

// open starts an engine of the server's sort and loads one module.
func open(ctx context.Context, cache string, digest core.Digest, module []byte) (*runtime.Engine, *runtime.Module, error) {
	engine, err := runtime.New(ctx, runtime.Config{CacheDir: cache, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return nil, nil, err
	}
	m, err := engine.Load(ctx, digest, func(context.Context) ([]byte, error) { return module, nil })
	return engine, m, err
}
