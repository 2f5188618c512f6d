package ui

import "encoding/json"

// Version is the vocabulary's, at the root of every tree.
const Version = 1

// Tree is a whole page.
type Tree struct {
	Version int `json:"version"`
	Node
}

// Node is one component. Type says which, and with it which of the other
// members count.
type Node struct {
	Type       string            `json:"type"`                 // page, text, table, empty
	Title      string            `json:"title,omitempty"`      // page, empty
	Text       string            `json:"text,omitempty"`       // text, empty
	Columns    []Column          `json:"columns,omitempty"`    // table
	Rows       []json.RawMessage `json:"rows,omitempty"`       // table: objects; columns pick their members
	NextCursor string            `json:"nextCursor,omitempty"` // table: the next page is this one with ?cursor=
	Empty      *Node             `json:"empty,omitempty"`      // table: what to show without rows
	Children   []Node            `json:"children,omitempty"`   // page
	Fallback   string            `json:"fallback,omitempty"`   // for a host that doesn't know Type
}

// Column shows one member of each row.
type Column struct {
	Key    string `json:"key"` // the row's member
	Label  string `json:"label"`
	Format Format `json:"format,omitempty"`
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
	return Tree{Version, Node{Type: "page", Title: title, Children: children}}
}

// Text is a paragraph.
func Text(text string) Node { return Node{Type: "text", Text: text, Fallback: text} }

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
