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
// members count.
type Node struct {
	Type       string            `json:"type"`                 // page, section, text, table, empty, stats, stat, link, upload
	Title      string            `json:"title,omitempty"`      // page, section, empty, stat, link, upload
	Text       string            `json:"text,omitempty"`       // text, empty, stat, upload
	Columns    []Column          `json:"columns,omitempty"`    // table
	Rows       []json.RawMessage `json:"rows,omitempty"`       // table: objects; columns pick their members
	NextCursor string            `json:"nextCursor,omitempty"` // table: the next page is this one with ?cursor=
	Empty      *Node             `json:"empty,omitempty"`      // table: what to show without rows
	Children   []Node            `json:"children,omitempty"`   // page, section, stats
	Path       string            `json:"path,omitempty"`       // link: a page of the plugin; upload: a raw POST route of it
	Accept     string            `json:"accept,omitempty"`     // upload: media types, as in HTML
	Button     string            `json:"button,omitempty"`     // upload
	Check      Check             `json:"check,omitzero"`       // upload: one choice sent along
	Then       string            `json:"then,omitempty"`       // upload: the page to show afterwards
	Fallback   string            `json:"fallback,omitempty"`   // for a host that doesn't know Type
}

// Column shows one member of each row.
type Column struct {
	Key    string `json:"key"` // the row's member
	Label  string `json:"label"`
	Format Format `json:"format,omitempty"`
	Link   string `json:"link,omitempty"` // a page of the plugin; ":id" stands for the row's id
}

// Check is a yes-or-no choice; a yes is sent as the query parameter Name=true.
type Check struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// Format is how a column's values are shown; plain text without one.
type Format string

// The formats there are.
const (
	Time  Format = "time"  // RFC 3339, shown in the workspace's time zone
	Email Format = "email" // a mailto link
	Badge Format = "badge" // a short word, such as a state
)

// Page is the root of a tree.
func Page(title string, children ...Node) Tree {
	return Tree{Version: Version, Node: Node{Type: "page", Title: title, Children: children}}
}

// Text is a paragraph.
func Text(text string) Node { return Node{Type: "text", Text: text, Fallback: text} }

// Section groups components under a heading.
func Section(title string, children ...Node) Node {
	return Node{Type: "section", Title: title, Children: children, Fallback: title}
}

// Stats shows figures side by side.
func Stats(figures ...Node) Node { return Node{Type: "stats", Children: figures, Fallback: "Figures."} }

// Stat is one figure with its name.
func Stat(title, figure string) Node {
	return Node{Type: "stat", Title: title, Text: figure, Fallback: title + ": " + figure}
}

// Link leads to another page of the plugin.
func Link(title, path string) Node {
	return Node{Type: "link", Title: title, Path: path, Fallback: title}
}

// Upload sends a file to path, a raw POST route of the plugin, with its name as
// the query parameter fileName, and goes on to the page then.
func Upload(title, text, path, then string) Node {
	return Node{Type: "upload", Title: title, Text: text, Path: path, Then: then, Button: "Upload", Fallback: title}
}

// Empty says that there is nothing yet, and what to do about it.
func Empty(title, text string) Node {
	return Node{Type: "empty", Title: title, Text: text, Fallback: title + ". " + text}
}

// Table shows rows, JSON objects such as sdk.Page.Rows returns. nextCursor is
// the next page's, or empty.
func Table(columns []Column, rows []json.RawMessage, nextCursor string) Node {
	return Node{Type: "table", Columns: columns, Rows: rows, NextCursor: nextCursor, Fallback: "A table this version of the console cannot show."}
}

// Or sets what a table without rows shows instead.
func (n Node) Or(empty Node) Node {
	n.Empty = &empty
	return n
}
