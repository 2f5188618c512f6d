package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
)

// adapter joins huma to Fiber. Huma brings one of its own, but that hands out
// strings that Fiber recycles, and takes Fiber v3 into the binary with it.
type adapter struct{ router fiber.Router }

// Handle implements huma.Adapter.
func (a adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	path := strings.NewReplacer("{", ":", "}", "").Replace(op.Path)
	handle := func(c *fiber.Ctx) error {
		r := &request{op: op, c: c, ctx: c.UserContext()}
		if err := r.decode(); err != nil {
			return err
		}
		handler(r)
		return nil
	}
	if op.Method == fiber.MethodGet {
		a.router.Get(path, handle) // and HEAD
		return
	}
	a.router.Add(op.Method, path, handle)
}

// ServeHTTP implements huma.Adapter; nothing calls it.
func (a adapter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotImplemented)
}

// request is one request as huma sees it. Everything it hands out is copied.
type request struct {
	op     *huma.Operation
	c      *fiber.Ctx
	ctx    context.Context
	params map[string]string
	query  url.Values
	status int
}

// decode reads the path's parameters and the query, which Fiber leaves encoded.
// A parameter given twice is refused: two readers of it could disagree.
func (r *request) decode() (err error) {
	const op = "api.decode"
	var wrong core.Violations
	r.params = make(map[string]string)
	for name, raw := range r.c.AllParams() {
		value, err := url.PathUnescape(raw)
		if err != nil || strings.ContainsAny(value, "\x00\r\n") {
			wrong.Add("path."+name, "is not a valid path segment")
			continue
		}
		r.params[strings.Clone(name)] = strings.Clone(value)
	}
	if r.query, err = url.ParseQuery(string(r.c.Request().URI().QueryString())); err != nil {
		wrong.Add("query", "is not a valid query string")
	}
	for name, values := range r.query {
		if len(values) > 1 {
			wrong.Add("query."+name, "is given %d times", len(values))
		}
	}
	return wrong.Err(op, "The address is not valid.")
}

func (r *request) Operation() *huma.Operation { return r.op }
func (r *request) Context() context.Context   { return r.ctx }
func (r *request) Method() string             { return strings.Clone(r.c.Method()) }
func (r *request) Host() string               { return string(r.c.Request().Host()) }
func (r *request) RemoteAddr() string         { return r.c.Context().RemoteAddr().String() }
func (r *request) Param(name string) string   { return r.params[name] }
func (r *request) Query(name string) string   { return r.query.Get(name) }
func (r *request) Header(name string) string  { return strings.Clone(r.c.Get(name)) }
func (r *request) URL() url.URL {
	return url.URL{Path: string(r.c.Request().URI().Path()), RawQuery: r.query.Encode()}
}

func (r *request) EachHeader(yield func(name, value string)) {
	for name, value := range r.c.Request().Header.All() {
		yield(string(name), string(value))
	}
}

func (r *request) BodyReader() io.Reader { return bytes.NewReader(r.c.Body()) }

func (r *request) GetMultipartForm() (*multipart.Form, error) {
	return nil, core.E("api.GetMultipartForm", core.Invalid, "This API takes JSON.")
}

// SetReadDeadline does nothing: the body has been read when a handler runs.
func (r *request) SetReadDeadline(time.Time) error { return nil }

func (r *request) SetStatus(code int)              { r.status = code; r.c.Status(code) }
func (r *request) Status() int                     { return r.status }
func (r *request) SetHeader(name, value string)    { r.c.Set(name, value) }
func (r *request) AppendHeader(name, value string) { r.c.Response().Header.Add(name, value) }
func (r *request) BodyWriter() io.Writer           { return r.c.Context() }
func (r *request) TLS() *tls.ConnectionState       { return r.c.Context().TLSConnectionState() }
func (r *request) Version() huma.ProtoVersion {
	return huma.ProtoVersion{Proto: r.c.Protocol(), ProtoMajor: 1, ProtoMinor: 1}
}

// fiberOf returns the request behind a huma context.
func fiberOf(ctx huma.Context) *fiber.Ctx {
	for {
		switch c := ctx.(type) {
		case *request:
			return c.c
		case interface{ Unwrap() huma.Context }:
			ctx = c.Unwrap()
		default:
			return nil
		}
	}
}
