package sdk

import (
	"bytes"
	"encoding/json"
	"reflect"
	"time"
)

// ID is the id of a document, or of anything else that has one.
type ID string

// Money is an amount in minor units (cents, or yen) of a currency (ISO 4217).
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Doc is a document of a table: the host's members and the plugin's fields. In
// JSON they are one flat object.
type Doc[T any] struct {
	ID        ID
	Version   int64 // changes with every write
	CreatedAt time.Time
	UpdatedAt time.Time
	Body      T
}

// head is the host's part of a flat document.
type head struct {
	ID        ID        `json:"id"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// MarshalJSON encodes the document flat.
func (d Doc[T]) MarshalJSON() ([]byte, error) {
	flat, err := json.Marshal(head{d.ID, d.Version, d.CreatedAt, d.UpdatedAt})
	if err != nil {
		return nil, err
	}
	body, err := encodeBody(reflect.ValueOf(d.Body))
	if err != nil || len(body) == len("{}") {
		return flat, err
	}
	return append(append(flat[:len(flat)-1], ','), body[1:]...), nil
}

// UnmarshalJSON decodes a flat document.
func (d *Doc[T]) UnmarshalJSON(data []byte) error {
	h, err := readHead(data)
	if err != nil {
		return err
	}
	d.ID, d.Version, d.CreatedAt, d.UpdatedAt = h.ID, h.Version, h.CreatedAt, h.UpdatedAt
	return json.Unmarshal(data, &d.Body)
}

// readHead reads the host's members of a flat document. They come first, so that
// the rest need not be read.
func readHead(data []byte) (head, error) {
	var h head
	decoder := json.NewDecoder(bytes.NewReader(data))
	_, err := decoder.Token() // the brace
	for err == nil && decoder.More() {
		var name json.Token
		if name, err = decoder.Token(); err != nil {
			break
		}
		switch name {
		case "id":
			err = decoder.Decode(&h.ID)
		case "version":
			err = decoder.Decode(&h.Version)
		case "createdAt":
			err = decoder.Decode(&h.CreatedAt)
		case "updatedAt":
			err = decoder.Decode(&h.UpdatedAt)
		default:
			return h, nil
		}
	}
	return h, err
}

func (Doc[T]) schema() schema { return documentSchema(reflect.TypeFor[T]()) }

// RawDoc is a document as the host sent it. A handler that returns one passes
// it on without decoding it.
type RawDoc[T any] struct{ raw json.RawMessage }

// ID returns its id.
func (d RawDoc[T]) ID() (ID, error) {
	h, err := readHead(d.raw)
	return h.ID, err
}

// Doc decodes it.
func (d RawDoc[T]) Doc() (Doc[T], error) {
	var doc Doc[T]
	err := doc.UnmarshalJSON(d.raw)
	return doc, err
}

// MarshalJSON returns the bytes.
func (d RawDoc[T]) MarshalJSON() ([]byte, error) { return d.raw, nil }

func (d RawDoc[T]) passthrough() json.RawMessage { return d.raw }

func (RawDoc[T]) schema() schema { return documentSchema(reflect.TypeFor[T]()) }

// Page is a page of documents as the host sent it. A handler that returns one
// passes it on without decoding it.
type Page[T any] struct{ raw json.RawMessage }

type pageParts struct {
	Data       []json.RawMessage `json:"data"`
	NextCursor string            `json:"nextCursor"`
}

// Rows splits the page into its documents, still encoded, and the cursor of the
// next page, which is empty on the last one.
func (p Page[T]) Rows() (rows []json.RawMessage, nextCursor string, err error) {
	var parts pageParts
	err = json.Unmarshal(p.raw, &parts)
	return parts.Data, parts.NextCursor, err
}

// Docs decodes the page.
func (p Page[T]) Docs() (docs []Doc[T], nextCursor string, err error) {
	var parts struct {
		Data       []Doc[T] `json:"data"`
		NextCursor string   `json:"nextCursor"`
	}
	err = json.Unmarshal(p.raw, &parts)
	return parts.Data, parts.NextCursor, err
}

// MarshalJSON returns the bytes.
func (p Page[T]) MarshalJSON() ([]byte, error) { return p.raw, nil }

func (p Page[T]) passthrough() json.RawMessage { return p.raw }

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

// passthrough is an answer whose bytes need no encoding.
type passthrough interface{ passthrough() json.RawMessage }
