package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// fileHost answers the operations of a module that is called from a file,
// without a workspace: it logs, and fetches from the hosts that were allowed.
// Unlike the server it does not look at addresses: it is the author's own
// machine and network, and they named the host.
type fileHost struct {
	allowed []string // patterns of path.Match over host names
	log     func(level, message string)
	client  *http.Client
}

// maxFetched bounds the body of a response, in bytes.
const maxFetched = 16 << 20

func newFileHost(allowed []string, log func(level, message string)) (*fileHost, error) {
	for _, pattern := range allowed {
		if _, err := path.Match(pattern, ""); err != nil || strings.ContainsAny(pattern, "/:") {
			return nil, usagef("--allow-host %q: name a host without scheme and port, or *.example.com", pattern)
		}
	}
	h := &fileHost{allowed: allowed, log: log}
	h.client = &http.Client{
		Transport: &http.Transport{}, // no proxy of the environment
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= 5 {
				return errors.New("more than 5 redirects")
			}
			return h.check(r)
		},
	}
	return h, nil
}

// Call implements runtime.Host.
func (h *fileHost) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	switch op {
	case abi.OpLogWrite:
		var line abi.LogRequest
		if err := json.Unmarshal(request, &line); err != nil {
			return nil, core.E("plugin.Call", core.Invalid, "log.write needs a LogRequest: %v.", err)
		}
		h.log(line.Level, line.Message)
		return []byte("{}"), nil
	case abi.OpSettingsGet:
		return []byte("{}"), nil
	case abi.OpHTTPFetch:
		return h.fetch(ctx, request)
	}
	return nil, core.E("plugin.Call", core.Denied, "Operation %d belongs to a workspace, and a module called from a file has none: publish the plugin and install it.", op)
}

// check refuses hosts that were not allowed.
func (h *fileHost) check(r *http.Request) error {
	name := strings.ToLower(r.URL.Hostname())
	for _, pattern := range h.allowed {
		if ok, _ := path.Match(strings.ToLower(pattern), name); ok && (r.URL.Scheme == "http" || r.URL.Scheme == "https") {
			return nil
		}
	}
	return core.E("plugin.Call", core.Denied, "The module may not send requests to %q; allow it with --allow-host %s.", r.URL.Redacted(), name)
}

func (h *fileHost) fetch(ctx context.Context, request []byte) ([]byte, error) {
	const op = "plugin.Call"
	var f abi.FetchRequest
	if err := json.Unmarshal(request, &f); err != nil {
		return nil, core.E(op, core.Invalid, "http.fetch needs a FetchRequest: %v.", err)
	}
	r, err := http.NewRequestWithContext(ctx, f.Method, f.URL, bytes.NewReader(f.Body))
	if err != nil {
		return nil, core.E(op, core.Invalid, "The request is wrong: %v.", err)
	}
	for name, value := range f.Headers {
		r.Header.Set(name, value)
	}
	if err := h.check(r); err != nil {
		return nil, err
	}
	response, err := h.client.Do(r)
	if err != nil {
		if denied, ok := errors.AsType[*core.Error](err); ok {
			return nil, denied
		}
		return nil, core.E(op, core.Unavailable, "The request failed: %v.", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxFetched+1))
	switch {
	case err != nil:
		return nil, core.E(op, core.Unavailable, "The response could not be read: %v.", err)
	case len(body) > maxFetched:
		return nil, core.E(op, core.TooLarge, "The response is larger than %d bytes.", maxFetched)
	}
	answer := abi.FetchResponse{Status: response.StatusCode, Headers: map[string]string{}, Body: body}
	for name, values := range response.Header {
		answer.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return json.Marshal(answer)
}
