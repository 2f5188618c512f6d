package hostfuncs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

const (
	maxFetchBody     = 1 << 20 // of a request, bytes
	maxFetchAnswer   = 8 << 20 // of a response's body, bytes
	maxFetchHeaders  = 64 << 10
	maxFetchRedirect = 5
	fetchTimeout     = 30 * time.Second
)

var httpOperations = []Operation{
	{abi.OpHTTPFetch, "http.fetch", abi.CapabilityHTTP, actions, "Make a request to a granted host.", with(httpFetch)},
}

func httpFetch(ctx context.Context, h *Host, r abi.FetchRequest) (abi.FetchResponse, error) {
	if h.b.Fetch == nil {
		return abi.FetchResponse{}, core.E("http.fetch", core.Denied, "This server makes no outbound requests.")
	}
	i := slices.IndexFunc(h.b.Installation.Grants, func(g core.Grant) bool { return g.Capability == abi.CapabilityHTTP })
	return h.b.Fetch.Fetch(ctx, h.b.Installation.Grants[i].Hosts, r)
}

// Outbound is the Fetcher of a server. It keeps no cookies and no connections
// between requests, and uses no proxy of its environment: two workspaces never
// share anything on the way out.
type Outbound struct {
	transport *http.Transport
}

// NewOutbound makes a Fetcher that reaches public addresses on ports 80 and
// 443 only, checked when dialling, so that a name cannot lead inside. With
// private it reaches any address and port: for an author's own machine.
func NewOutbound(private bool) *Outbound {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !private {
		dialer.Control = ssrf.New().Safe
	}
	return &Outbound{transport: &http.Transport{
		DialContext:            dialer.DialContext,
		DisableKeepAlives:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  fetchTimeout,
		MaxResponseHeaderBytes: maxFetchHeaders,
	}}
}

// Fetch implements Fetcher. An empty list of hosts refuses every request. It
// ends after 30 seconds, or with ctx.
func (o *Outbound) Fetch(ctx context.Context, hosts []string, r abi.FetchRequest) (abi.FetchResponse, error) {
	const op = "http.fetch"
	var none abi.FetchResponse
	if len(r.Body) > maxFetchBody {
		return none, core.E(op, core.TooLarge,
			"A request's body holds at most %d bytes, and this one has %d.", maxFetchBody, len(r.Body))
	}
	target, err := url.Parse(r.URL)
	if err != nil {
		return none, place(op, "url", "is not a URL")
	}
	if err := granted(target, hosts); err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := newRequest(ctx, target, r)
	if err != nil {
		return none, err
	}
	client := &http.Client{
		Transport: o.transport,
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) > maxFetchRedirect {
				return core.E(op, core.Invalid, "%s redirects more than %d times.", target.Host, maxFetchRedirect)
			}
			return granted(next.URL, hosts)
		},
	}
	response, err := client.Do(request)
	if err != nil {
		return none, refused(ctx, target, err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end, or given up
	body, err := io.ReadAll(io.LimitReader(response.Body, maxFetchAnswer+1))
	if err != nil {
		return none, refused(ctx, target, err)
	}
	if len(body) > maxFetchAnswer {
		return none, core.E(op, core.TooLarge, "The answer of %s is longer than %d bytes.", target.Host, maxFetchAnswer)
	}
	answer := abi.FetchResponse{Status: response.StatusCode, Headers: make(map[string]string, len(response.Header)), Body: body}
	for name, values := range response.Header {
		if name != "Set-Cookie" {
			answer.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	return answer, nil
}

var fetchMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// hopHeaders belong to the connection, which is the host's.
var hopHeaders = []string{"Host", "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Te", "Upgrade", "Proxy-Authorization", "Proxy-Connection", "Keep-Alive"}

func newRequest(ctx context.Context, target *url.URL, r abi.FetchRequest) (*http.Request, error) {
	const op = "http.fetch"
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	if !slices.Contains(fetchMethods, method) {
		return nil, place(op, "method", "must be one of "+strings.Join(fetchMethods, ", "))
	}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, place(op, "url", "is not a URL a request can go to")
	}
	request.Header.Set("User-Agent", "Carrel")
	for name, value := range r.Headers {
		if slices.Contains(hopHeaders, http.CanonicalHeaderKey(name)) {
			return nil, place(op, "headers."+name, "is set by the host")
		}
		request.Header.Set(name, value)
	}
	return request, nil
}

// granted checks where a request, or one of its redirects, goes.
func granted(target *url.URL, hosts []string) error {
	const op = "http.fetch"
	if target.Scheme != "http" && target.Scheme != "https" {
		return place(op, "url", "must begin with http:// or https://")
	}
	if target.User != nil {
		return place(op, "url", "must not hold a user name or password")
	}
	host := strings.TrimSuffix(strings.ToLower(target.Hostname()), ".")
	if host != "" && slices.ContainsFunc(hosts, func(pattern string) bool { return hostMatches(pattern, host) }) {
		return nil
	}
	return core.E(op, core.Denied, `The workspace has not granted requests to %q. The manifest must ask for it, capabilities: [{"name": "http", "hosts": [%q]}], and the workspace approve it.`, host, host)
}

// hostMatches matches a name exactly, or any name below "*.example.com".
func hostMatches(pattern, host string) bool {
	pattern = strings.ToLower(pattern)
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasPrefix(suffix, ".") && len(suffix) > 1 && len(host) > len(suffix) && strings.HasSuffix(host, suffix)
	}
	return pattern == host
}

// refused turns a failed request's cause into what the plugin may know: never
// an address, which would map the network the server is in.
func refused(ctx context.Context, target *url.URL, err error) error {
	const op = "http.fetch"
	if own, ok := errors.AsType[*core.Error](err); ok {
		return own
	}
	kind, msg := core.Unavailable, "%s could not be reached."
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedPort), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		kind, msg = core.Denied, "%s leads to an address or port plugins may not reach. Public addresses on ports 80 and 443 are open."
	case ctx.Err() != nil:
		kind, msg = core.Timeout, "%s did not answer in time."
	case strings.Contains(err.Error(), "invalid header"):
		kind, msg = core.Invalid, "The request to %s has a header that is not valid."
	}
	e := core.E(op, kind, msg, target.Host)
	e.Err = err
	return e
}
