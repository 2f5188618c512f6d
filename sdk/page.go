package sdk

import (
	"encoding/json"
	"errors"
	"reflect"
)

// Page is a page of documents nobody has decoded yet. Until one of its methods
// is asked it stays with the host: a handler that returns one passes it on for
// next to nothing, whatever its size.
type Page[T any] struct{ *response }

// Rows splits the page into its documents, still encoded, and the cursor of the
// next page, which is empty on the last one.
func (p Page[T]) Rows() (rows []json.RawMessage, nextCursor string, err error) {
	s := scan(p.read())
	for s.enter('{'); s.more('}'); {
		switch s.name() {
		case "data":
			for s.enter('['); s.more(']'); {
				rows = append(rows, s.raw())
			}
		case "nextCursor":
			nextCursor = s.string()
		default:
			s.skip()
		}
	}
	if s.bad {
		return nil, "", errNoPage
	}
	return rows, nextCursor, nil
}

var errNoPage = errors.New("sdk: this JSON is not a page's")

// RawDocs splits the page into its documents, each decoded when it is asked,
// and the cursor of the next page.
func (p Page[T]) RawDocs() (docs []RawDoc[T], nextCursor string, err error) {
	rows, nextCursor, err := p.Rows()
	for _, row := range rows {
		docs = append(docs, RawDoc[T]{ofBytes(row)})
	}
	return docs, nextCursor, err
}

// Docs decodes the page.
func (p Page[T]) Docs() (docs []Doc[T], nextCursor string, err error) {
	rows, nextCursor, err := p.Rows()
	docs = make([]Doc[T], len(rows))
	for i, row := range rows {
		if err := docs[i].UnmarshalJSON(row); err != nil {
			return nil, "", err
		}
	}
	return docs, nextCursor, err
}

// MarshalJSON returns the bytes.
func (p Page[T]) MarshalJSON() ([]byte, error) { return p.read(), nil }

func (p Page[T]) passthrough() *response { return p.response }

func (Page[T]) schema() schema {
	return schema{
		"type": "object",
		"properties": schema{
			"data":       schema{"type": "array", "items": documentSchema(reflect.TypeFor[T]())},
			"nextCursor": schema{"type": "string", "description": "Send it as `cursor` for the next page; missing on the last one."},
		},
		"required": []string{"data"},
	}
}

// Listing is what a table's List answers: a page, by the request's own filters
// and order.
type Listing[T any] struct{ Page[T] }
