package ui

import (
	"encoding/json"
	"time"
)

// cannotShow ends the fallbacks of what has no other words.
const cannotShow = " this version of the console cannot show."

// Text is a paragraph.
func Text(text string) Node { return Node{Type: "text", Text: text, Fallback: text} }

// Markdown is formatted text, at most 16 KiB: paragraphs, headings, lists,
// tables, code, and links to https and mailto addresses. Images and HTML are
// left out.
func Markdown(text string) Node {
	return Node{Type: "markdown", Text: text, Fallback: "A text" + cannotShow}
}

// Empty says that there is nothing yet, and what to do about it.
func Empty(title, text string) Node {
	return Node{Type: "empty", Title: title, Text: text, Fallback: title + ". " + text}
}

// Mark is a short word of its own, such as a state. In a table and the like it
// is a column of format Badge.
func Mark(text string, tone Tone) Node {
	return Node{Type: "badge", Text: text, Tone: tone, Fallback: text}
}

// Stats shows figures side by side.
func Stats(figures ...Node) Node { return Node{Type: "stats", Children: figures, Fallback: "Figures."} }

// Stat is one figure with its name. Its Path may lead to a page of the plugin.
func Stat(title, figure string) Node {
	return Node{Type: "stat", Title: title, Text: figure, Fallback: title + ": " + figure}
}

// Figure is a Stat whose value the host formats.
func Figure(title string, value any, format Format) Node {
	return Node{Type: "stat", Title: title, Value: value, Format: format, Fallback: title}
}

// Link leads to another page of the plugin. With adds parameters of its query.
func Link(title, path string) Node {
	return Node{Type: "link", Title: title, Path: path, Fallback: title}
}

// Table shows rows, JSON objects such as sdk.Page.Rows and Rows return.
// nextCursor is the next page's, or empty.
func Table(columns []Column, rows []json.RawMessage, nextCursor string) Node {
	return Node{Type: "table", Columns: columns, Rows: rows, NextCursor: nextCursor, Fallback: "A table" + cannotShow}
}

// Or sets what a table or a timeline without anything in it shows instead.
func (n Node) Or(empty Node) Node {
	n.Empty = &empty
	return n
}

// SortedBy tells a table's reader the order the rows came in where the address
// has no ?sort=: "-createdAt". Columns with a Sort can change it.
func (n Node) SortedBy(order string) Node {
	n.Sort = order
	return n
}

// Each gives each row of a table buttons, at most 6. In a button's Route and
// Then, ":id" stands for the row's id, as in a column's Link. Node.Only says
// which rows have it.
func (n Node) Each(buttons ...Node) Node {
	n.Actions = buttons
	return n
}

// Detail shows one object, such as a document, as labels and values.
func Detail(columns []Column, row any) Node {
	return Node{Type: "detail", Columns: columns, Row: row, Fallback: "Details" + cannotShow}
}

// Timeline shows what happened, in the order it is given. nextCursor is the next
// page's, or empty.
func Timeline(entries []Entry, nextCursor string) Node {
	return Node{Type: "timeline", Entries: entries, NextCursor: nextCursor, Fallback: "A timeline" + cannotShow}
}

// Entry is one thing that happened.
type Entry struct {
	Time  time.Time `json:"time,omitzero"`
	Icon  string    `json:"icon,omitempty"` // one that docs/authors.md lists; a dot for any other
	Title string    `json:"title"`
	Text  string    `json:"text,omitempty"`
	Path  string    `json:"path,omitempty"` // a page of the plugin
}

// Series is one row of figures of a chart, as many as it has labels.
type Series struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"`
}

// Bars compares figures: a group of bars for each label, one of each series.
// The host adds the figures as a table.
func Bars(title string, labels []string, series ...Series) Node {
	return chart("bar", title, labels, series)
}

// Lines shows how figures change from label to label.
func Lines(title string, labels []string, series ...Series) Node {
	return chart("line", title, labels, series)
}

// Funnel shows how much is left after each step.
func Funnel(title string, steps []string, left Series) Node {
	return chart("funnel", title, steps, []Series{left})
}

func chart(kind, title string, labels []string, series []Series) Node {
	return Node{Type: "chart", Kind: kind, Title: title, Labels: labels, Series: series, Fallback: title + ": a chart" + cannotShow}
}

// In makes the figures of a chart amounts of a currency, in minor units.
func (n Node) In(currency string) Node {
	n.Format, n.Currency = Money, currency
	return n
}

// Board shows rows as cards in lanes. The first column is a card's title, with
// its Link; the others are shown below it. A card is moved with the mouse or by
// its menu: the host then sends {"to": the lane's name, "position": 0 for the
// top of the lane} to route, a POST of the plugin in which ":id" stands for the
// row's id; a route without it gets "id" in what is sent. An empty route makes a
// board that only shows. All rows need an "id". At most 12 lanes and, in all of
// them, 500 cards.
func Board(columns []Column, route string, lanes ...Node) Node {
	return Node{Type: "board", Columns: columns, Route: route, Children: lanes, Fallback: "A board" + cannotShow}
}

// Lane is one lane of a board; Text, if set, stands beside its title: a sum, say.
func Lane(name, title string, rows []json.RawMessage) Node {
	return Node{Type: "lane", Name: name, Title: title, Rows: rows, Fallback: title}
}
