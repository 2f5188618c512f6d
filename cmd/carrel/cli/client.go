package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime"
)

// How long a server may take. There is no limit on sending: a module is large
// and a line may be slow.
const (
	dialTimeout   = 10 * time.Second
	answerTimeout = 2 * time.Minute // after the last byte was sent; a module is compiled meanwhile
	maxAnswer     = 8 << 20         // bytes
)

// client is the registry of a running server.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
	notes io.Writer
}

func newClient(server, token string, notes io.Writer) (*client, error) {
	base, err := url.Parse(server)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil {
		return nil, usagef("--server must be the address of a server, such as https://carrel.example.com")
	}
	if strings.HasSuffix(strings.TrimRight(base.Path, "/"), "/api/v1") {
		return nil, usagef("--server is the address of the server, not of its API: leave out /api/v1")
	}
	if token == "" {
		return nil, usagef("a server needs a token: make one with POST /api/v1/tokens, or carrel admin token create while it is stopped, and set the environment variable CARREL_TOKEN")
	}
	if base.Scheme == "http" && !isLoopback(base.Hostname()) {
		fmt.Fprintf(notes, "%s the token is sent to %s without encryption. Use https.\n", paint(notes, red, "Warning:"), base.Host)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	transport.ResponseHeaderTimeout = answerTimeout
	return &client{base: base, token: token, notes: notes, http: &http.Client{
		Transport: transport,
		// A redirect would send the token to somebody else than --server says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *client) publish(ctx context.Context, label string, module []byte) (p published, err error) {
	line := newProgress(c.notes, label, int64(len(module)))
	defer line.end()
	body := io.TeeReader(bytes.NewReader(module), line)
	request, err := c.request(ctx, http.MethodPost, body, "releases")
	if err != nil {
		return p, err
	}
	request.ContentLength = int64(len(module))
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/wasm")
	request.Header.Set("X-Carrel-Digest", string(runtime.DigestOf(module)))
	return p, c.do(request, &p)
}

func (c *client) byDigest(ctx context.Context, digest core.Digest) (p published, err error) {
	return p, c.get(ctx, &p, "releases", string(digest))
}

func (c *client) yank(ctx context.Context, plugin, version string, yanked bool) (p published, err error) {
	if err := c.release(ctx, plugin, version, &p); err != nil {
		return p, err
	}
	body, err := json.Marshal(map[string]bool{"yanked": yanked})
	if err != nil {
		return p, err
	}
	mark, err := c.request(ctx, http.MethodPost, bytes.NewReader(body), "releases", string(p.Digest), "yank")
	if err != nil {
		return p, err
	}
	mark.Header.Set("Content-Type", "application/json")
	return p, c.do(mark, &p)
}

func (c *client) manifest(ctx context.Context, plugin, version string) (abi.Manifest, error) {
	var release struct{ Manifest abi.Manifest }
	err := c.release(ctx, plugin, version, &release)
	return release.Manifest, err
}

// release reads a version of a plugin, the newest when it is empty, by name or
// publisher/name.
func (c *client) release(ctx context.Context, plugin, version string, into any) error {
	missing := core.E("cli.Release", core.NotFound, "There is no version %s of %s on %s.", version, plugin, c.base.Host)
	if version == "" {
		missing = core.E("cli.Release", core.NotFound, "There is no plugin %s on %s.", plugin, c.base.Host)
	}
	publisher, name, qualified := cutPlugin(plugin)
	var offered struct{ Publisher, Version string }
	err := c.get(ctx, &offered, "marketplace", name)
	if core.KindOf(err) == core.NotFound || err == nil && qualified && publisher != offered.Publisher {
		return missing
	}
	if err == nil {
		err = c.get(ctx, into, "marketplace", name, cmp.Or(version, offered.Version))
	}
	if core.KindOf(err) == core.NotFound {
		return missing
	}
	return err
}

// get reads one thing.
func (c *client) get(ctx context.Context, into any, path ...string) error {
	request, err := c.request(ctx, http.MethodGet, nil, path...)
	if err != nil {
		return err
	}
	return c.do(request, into)
}

func (c *client) close() error {
	c.http.CloseIdleConnections()
	return nil
}

func (c *client) request(ctx context.Context, method string, body io.Reader, path ...string) (*http.Request, error) {
	for i := range path {
		path[i] = url.PathEscape(path[i])
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(append([]string{"api/v1"}, path...)...).String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", "application/json, application/problem+json")
	return request, nil
}

// do sends a request and reads the answer, or the problem it was answered with.
func (c *client) do(request *http.Request, into any) error {
	const op = "cli.Request"
	response, err := c.http.Do(request)
	if request.Context().Err() != nil {
		return core.E(op, core.Unavailable, "Interrupted. %s may have done what it was asked.", c.base.Host)
	}
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // without the method and the whole address
		}
		return &unreachableError{server: c.base.Redacted(), err: err}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return &unreachableError{server: c.base.Redacted(), err: err}
	}
	if response.StatusCode < 300 {
		if err := json.Unmarshal(answer, into); err != nil {
			return core.E(op, core.Unavailable, "%s answered something else than JSON. Is it a Carrel server?", c.base.Host)
		}
		return nil
	}
	if to := response.Header.Get("Location"); response.StatusCode < 400 && to != "" {
		return core.E(op, core.Unavailable,
			"%s sends you on to %s. Give that address with --server if you trust it.", c.base.Host, to)
	}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	var problem struct {
		Kind      core.Kind       `json:"kind"`
		Detail    string          `json:"detail"`
		RequestID string          `json:"requestId"`
		Errors    []abi.Violation `json:"errors"`
	}
	if kind != "application/problem+json" || json.Unmarshal(answer, &problem) != nil || problem.Detail == "" {
		return core.E(op, core.Unavailable, "%s answered %s and no reason. Is it a Carrel server?", c.base.Host, response.Status)
	}
	refusal := core.E(op, problem.Kind, "%s", problem.Detail)
	switch problem.Kind {
	case core.Unauthenticated:
		refusal.Msg += " Check CARREL_TOKEN."
	case core.Internal, core.Unavailable:
		refusal.Msg += " (request " + problem.RequestID + ")"
	}
	if len(problem.Errors) > 0 {
		refusal.Err = core.Violations(problem.Errors)
	}
	return refusal
}
