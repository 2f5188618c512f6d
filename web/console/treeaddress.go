package console

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	maxPath  = 512 // of a page or route, bytes
	maxQuery = 512 // of a page's query that its links carry on, bytes
)

// pluginPath is a path that stays below the plugin's address whatever a browser
// makes of it: no dot segment, no escape, no query. A form that left it would
// post to the console in the visitor's name.
var pluginPath = regexp.MustCompile(`^(/|(/[A-Za-z0-9_-]+)+)$`)

func isPluginPath(path string) bool { return len(path) <= maxPath && pluginPath.MatchString(path) }

// reserved are parameters that the console gives a meaning to.
var reserved = []string{"cursor", "sort", "tab", "done"}

// link is the address of one of the plugin's own pages, or "" where the path is
// not one.
func (p *parser) link(path string, values map[string]any) string {
	if !isPluginPath(path) {
		return ""
	}
	query := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name != "done" && name != "" {
			query.Set(name, plain(values[name]))
		}
	}
	address := p.Base + path
	if encoded := query.Encode(); encoded != "" && len(encoded) <= maxQuery {
		address += "?" + encoded
	}
	p.bytes += len(address)
	return address
}

// here is the page's own address, with its query changed: a parameter that
// becomes "" is left out.
func (p *parser) here(change map[string]string) string {
	query := url.Values{}
	for name, value := range p.Query {
		query.Set(name, value)
	}
	if len(query.Encode()) > maxQuery {
		query = url.Values{} // every link of the page would carry it
	}
	return p.address(query, change)
}

// only is the page's own address with one parameter and no other.
func (p *parser) only(name, value string) string {
	return p.address(url.Values{}, map[string]string{name: cutText(value, maxText)})
}

func (p *parser) address(query url.Values, change map[string]string) string {
	for name, value := range change {
		if query.Del(name); value != "" {
			query.Set(name, value)
		}
	}
	address := p.Page
	if encoded := query.Encode(); encoded != "" {
		address += "?" + encoded
	}
	p.bytes += len(address)
	return address
}

var placeholder = regexp.MustCompile(`:[A-Za-z][A-Za-z0-9]*`)

// expand puts members of a row, or of an answer, into a path of the plugin. It
// answers "" when that doesn't make one.
func expand(path string, row map[string]any) string {
	if len(path) > maxPath {
		return ""
	}
	whole := true
	path = placeholder.ReplaceAllStringFunc(path, func(name string) string {
		var value string
		switch v := row[name[1:]].(type) {
		case string:
			value = v
		case json.Number:
			value = v.String()
		}
		whole = whole && value != "" && len(value) <= maxPath && !strings.Contains(value, "/")
		return value
	})
	if !whole || !isPluginPath(path) {
		return ""
	}
	return path
}
