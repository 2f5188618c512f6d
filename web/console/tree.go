package console

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// Bounds of a page's tree.
const (
	maxNodes = 1000
	maxDepth = 8
	maxRows  = 500 // of one table

	maxColumns = 32      // of one table
	maxCells   = 20_000  // of all tables
	maxText    = 2 << 10 // of a cell, bytes; the rest is cut
	maxLink    = 256     // a column's link, and the id put into it, bytes
)

// tree is a plugin's page, checked and ready to be rendered: everything in it
// is text, and every address is one of the plugin's own pages.
type tree struct {
	Title   string
	Refresh int // seconds; 0: never
	Nodes   []node
}

type node struct {
	Type       string
	Title      string
	Text       string
	Columns    []ui.Column
	Rows       [][]cell
	Next       string // address of the next page
	Empty      *node
	Children   []node
	Action     string // upload: where the form goes
	Accept     string
	CheckLabel string
	CheckName  string
	Button     string
}

type cell struct {
	Text string
	URL  string // "": plain text
	Tag  bool
}

// parseTree reads what a page's handler answered. here is the page's own
// address, base that of the plugin's pages, zone the workspace's.
func parseTree(raw json.RawMessage, here, base string, zone *time.Location) (tree, error) {
	const op = "console.parseTree"
	var t ui.Tree
	if err := json.Unmarshal(raw, &t); err != nil || t.Type != "page" {
		return tree{}, core.E(op, core.Internal, "The plugin answered something that is not a page.")
	}
	if t.Version > ui.Version {
		return tree{}, core.E(op, core.Internal, "The plugin's page is made for a newer console (version %d, this one knows %d).", t.Version, ui.Version)
	}
	p := &parser{here: here, base: base, zone: zone}
	children, err := p.nodes(t.Children, 0)
	return tree{Title: t.Title, Refresh: t.Refresh, Nodes: children}, err
}

type parser struct {
	here, base string
	zone       *time.Location
	count      int // components
	cells      int
}

func (p *parser) nodes(list []ui.Node, depth int) ([]node, error) {
	nodes := make([]node, 0, len(list))
	for _, one := range list {
		n, err := p.node(one, depth)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func (p *parser) node(from ui.Node, depth int) (node, error) {
	if p.count++; p.count > maxNodes || depth > maxDepth {
		return node{}, core.E("console.parseTree", core.TooLarge, "The plugin's page has more than %d components, or they are nested deeper than %d.", maxNodes, maxDepth)
	}
	n := node{Type: from.Type, Title: from.Title, Text: from.Text}
	switch from.Type {
	case "text", "empty", "stat":
	case "section", "stats":
		children, err := p.nodes(from.Children, depth+1)
		n.Children = children
		return n, err
	case "table":
		return p.table(n, from, depth)
	case "link":
		n.Action = p.page(from.Path)
	case "upload":
		n.Action, n.Accept, n.Button = p.page(from.Path)+"?then="+url.QueryEscape(from.Then), from.Accept, from.Button
		n.CheckName, n.CheckLabel = from.Check.Name, from.Check.Label
	default:
		n.Type, n.Text = "text", from.Fallback
	}
	return n, nil
}

func (p *parser) table(n node, from ui.Node, depth int) (node, error) {
	if len(from.Rows) > maxRows {
		return n, core.E("console.parseTree", core.TooLarge, "The plugin's table has more than %d rows; it can page instead.", maxRows)
	}
	// A row of two bytes has as many cells as there are columns.
	if p.cells += len(from.Rows) * len(from.Columns); len(from.Columns) > maxColumns || p.cells > maxCells {
		return n, core.E("console.parseTree", core.TooLarge, "The plugin's tables have more than %d columns, or more than %d cells together.", maxColumns, maxCells)
	}
	n.Columns = from.Columns
	for _, raw := range from.Rows {
		var row map[string]any
		if err := json.Unmarshal(raw, &row); err != nil {
			return n, core.E("console.parseTree", core.Internal, "The plugin's table has a row that is not an object.")
		}
		cells := make([]cell, len(from.Columns))
		for i, column := range from.Columns {
			cells[i] = p.cell(column, row)
		}
		n.Rows = append(n.Rows, cells)
	}
	if from.NextCursor != "" {
		n.Next = p.here + "?cursor=" + url.QueryEscape(from.NextCursor)
	}
	if from.Empty != nil {
		empty, err := p.node(*from.Empty, depth+1)
		n.Empty = &empty
		return n, err
	}
	return n, nil
}

func (p *parser) cell(column ui.Column, row map[string]any) cell {
	text := plain(row[column.Key])
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	c := cell{Text: text, Tag: column.Format == ui.Badge && text != ""}
	switch column.Format {
	case ui.Time:
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			c.Text = t.In(p.zone).Format("2 Jan 2006, 15:04")
		}
	case ui.Email:
		if text != "" {
			c.URL = "mailto:" + url.PathEscape(text)
		}
	}
	if column.Link != "" && text != "" {
		id, _ := row["id"].(string)
		if len(column.Link) > maxLink || len(id) > maxLink {
			c.URL = p.here
		} else {
			c.URL = p.page(strings.ReplaceAll(column.Link, ":id", id))
		}
	}
	return c
}

// page is the address of one of the plugin's own pages or routes, or this page
// where the path is not one.
func (p *parser) page(path string) string {
	if !pluginPath.MatchString(path) {
		return p.here
	}
	return p.base + path
}

// pluginPath is a path that stays below the plugin's address whatever a browser
// makes of it: no dot segment, no escape, no query. A form that left it would
// post to the console in the visitor's name.
var pluginPath = regexp.MustCompile(`^(/[A-Za-z0-9_-]+)+$`)

// plain is a JSON value as a person reads it.
func plain(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%.2f", v), ".00")
	default:
		text, _ := json.Marshal(v)
		return string(text)
	}
}
