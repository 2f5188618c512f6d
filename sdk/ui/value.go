package ui

import "encoding/json"

// Format says how a value is shown and, of an Input, how it is asked for and
// what is sent. Without one it is plain text: a line.
type Format string

// The formats there are. Those of an Input that a person may leave empty are
// then left out of what is sent, or sent as null in a PATCH, which removes the
// field.
const (
	Long     Format = "long"     // text of several lines
	Email    Format = "email"    // an address; shown as a mailto link
	Number   Format = "number"   // a number; sent as one
	Money    Format = "money"    // {"amount": minor units, "currency": "EUR"}, as of sdk.Money
	Date     Format = "date"     // "2006-01-02"
	Time     Format = "time"     // RFC 3339; shown and asked for in the workspace's time zone
	Relative Format = "relative" // a Time shown as "3 days ago"; not for an Input
	Bool     Format = "bool"     // shown as yes or no; a box to tick, always sent
	Badge    Format = "badge"    // a short word, such as a state, coloured by its Option's tone; not for an Input
	List     Format = "list"     // several texts: asked for one a line or, with Options, as boxes to tick; always sent
	Hidden   Format = "hidden"   // not shown; sent as it is, whatever JSON it is
)

// Tone is what a colour would say, for a reader who sees it and, as a word of
// the text it belongs to, for one who doesn't.
type Tone string

// The tones there are; without one it is neutral.
const (
	Info    Tone = "info"
	Good    Tone = "good"
	Warning Tone = "warning"
	Danger  Tone = "danger"
)

// Column shows one member of each row.
type Column struct {
	Key     string   `json:"key"` // the row's member
	Label   string   `json:"label"`
	Format  Format   `json:"format,omitempty"`
	Options []Option `json:"options,omitempty"` // words and tones for values
	Link    string   `json:"link,omitempty"`    // a page of the plugin; ":id" stands for the row's id, ":companyId" for that member
	Sort    string   `json:"sort,omitempty"`    // its order, "name": a click sends ?sort=name, the next ?sort=-name
}

// Option is one of the values a field may have, with the word for it. The same
// list serves columns, filters and forms.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"` // the value itself without one
	Tone  Tone   `json:"tone,omitempty"`  // of a Badge
}

// Options makes options of values that need no other word.
func Options(values ...string) []Option {
	options := make([]Option, len(values))
	for i, value := range values {
		options[i].Value = value
	}
	return options
}

// Rows encodes values as rows of a table: documents that were decoded, or
// structs made for the page. Rows that sdk.Page.Rows returns need it not.
func Rows[T any](values []T) ([]json.RawMessage, error) {
	rows := make([]json.RawMessage, len(values))
	for i, value := range values {
		row, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		rows[i] = row
	}
	return rows, nil
}
