package ui

import "encoding/json"

// Version is the vocabulary's, at the root of every tree.
const Version = 1

// Tree is a whole page.
type Tree struct {
	Version int `json:"version"`
	Refresh int `json:"refresh,omitempty"` // seconds after which the page is asked for again; 0: never
	Node
}

// Every makes the page show itself again every so many seconds, for work that
// goes on in the background.
func (t Tree) Every(seconds int) Tree {
	t.Refresh = seconds
	return t
}

// Node is one component. Type says which, and with it which of the other
// members count. The functions of this package make them; in other languages
// the JSON is written by hand.
//
// A page has at most 1,000 components, nested at most 8 deep; the comments say
// what else is bounded. A page beyond a bound is not shown.
type Node struct {
	Type  string `json:"type"`
	Name  string `json:"name,omitempty"`  // tab, lane: what the host sends back
	Title string `json:"title,omitempty"` // page, section, form, empty, stat, link, button, tab, lane, chart, upload
	Text  string `json:"text,omitempty"`  // text, markdown, badge, empty, stat, form, upload

	Value  any    `json:"value,omitempty"`  // stat: a figure to be formatted, instead of Text
	Format Format `json:"format,omitempty"` // stat, chart: of the figures
	Tone   Tone   `json:"tone,omitempty"`   // badge, button, stat

	Columns    []Column          `json:"columns,omitempty"`    // table, detail, board: what is shown of a row; at most 32
	Rows       []json.RawMessage `json:"rows,omitempty"`       // table, lane: objects; at most 500
	Row        any               `json:"row,omitempty"`        // detail, form: one object
	Sort       string            `json:"sort,omitempty"`       // table: the order the rows came in, "-createdAt"
	NextCursor string            `json:"nextCursor,omitempty"` // table, timeline: the next page is this one with ?cursor=
	Actions    []Node            `json:"actions,omitempty"`    // table: the buttons of each row
	Empty      *Node             `json:"empty,omitempty"`      // table, timeline: what to show instead of nothing
	Entries    []Entry           `json:"entries,omitempty"`    // timeline; at most 500
	Active     string            `json:"active,omitempty"`     // tabs: the Name of the open one

	Kind     string   `json:"kind,omitempty"`     // chart: bar, line, funnel
	Labels   []string `json:"labels,omitempty"`   // chart: one for each value of a series; at most 100
	Series   []Series `json:"series,omitempty"`   // chart; at most 6
	Currency string   `json:"currency,omitempty"` // chart of Money: of the values, which are in minor units

	Path    string         `json:"path,omitempty"`    // link, stat: a page of the plugin; upload: a raw POST route of it
	Route   string         `json:"route,omitempty"`   // form, button, board: a method and a path, "POST /contacts"
	Values  map[string]any `json:"values,omitempty"`  // button: the JSON it sends; link: its query; at most 4 KiB
	Then    string         `json:"then,omitempty"`    // form, button, upload: the page to show afterwards
	Confirm string         `json:"confirm,omitempty"` // button: a question to answer first
	When    *When          `json:"when,omitempty"`    // button of a row: which rows have it
	Inputs  []Input        `json:"inputs,omitempty"`  // form, filter; at most 64
	Button  string         `json:"button,omitempty"`  // form, filter, upload: its label
	Accept  string         `json:"accept,omitempty"`  // upload: media types, as in HTML
	Check   Check          `json:"check,omitzero"`    // upload: one choice sent along

	Children []Node `json:"children,omitempty"` // page, section, stats, actions, tabs, tab, board
	Fallback string `json:"fallback,omitempty"` // for a host that doesn't know Type
}

// Page is the root of a tree.
func Page(title string, children ...Node) Tree {
	return Tree{Version: Version, Node: Node{Type: "page", Title: title, Children: children}}
}

// Section groups components under a heading.
func Section(title string, children ...Node) Node {
	return Node{Type: "section", Title: title, Children: children, Fallback: title}
}

// Tabs shows one of several tabs, the one whose name is active, or the first.
// The others are links to this page with ?tab= and the name, so that a handler
// fills only the tab of c.Query("tab"). At most 12.
func Tabs(active string, tabs ...Node) Node {
	return Node{Type: "tabs", Active: active, Children: tabs, Fallback: "Tabs" + cannotShow}
}

// Tab is one of Tabs: a name of letters, digits, dashes and underscores, and a
// title for people.
func Tab(name, title string, children ...Node) Node {
	return Node{Type: "tab", Name: name, Title: title, Children: children, Fallback: title}
}
