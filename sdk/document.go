package sdk

import (
	"encoding/json"
	"errors"
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
	if body := reflect.ValueOf(&d.Body); body.Elem().IsZero() && readPlain(data, body, true) {
		return nil
	}
	return json.Unmarshal(data, &d.Body)
}

// readHead reads the host's members of a flat document. They come first, so that
// the rest need not be read.
func readHead(data []byte) (h head, err error) {
	s := scan(data)
	for s.enter('{'); s.more('}'); {
		switch s.name() {
		case "id":
			h.ID = ID(s.string())
		case "version":
			h.Version = s.integer()
		case "createdAt":
			h.CreatedAt = s.time()
		case "updatedAt":
			h.UpdatedAt = s.time()
		default:
			return h, nil
		}
	}
	if s.bad {
		err = errNoDocument
	}
	return h, err
}

var errNoDocument = errors.New("sdk: this JSON is not a document's")

func (Doc[T]) schema() schema { return documentSchema(reflect.TypeFor[T]()) }

// RawDoc is a document nobody has decoded yet. Until one of its methods is
// asked it stays with the host: a handler that returns one passes it on for
// next to nothing.
type RawDoc[T any] struct{ *response }

// ID returns its id.
func (d RawDoc[T]) ID() (ID, error) {
	h, err := readHead(d.read())
	return h.ID, err
}

// Field decodes one field into target, a pointer, and reports whether the
// document has it. For a few fields that is faster than Doc.
func (d RawDoc[T]) Field(name string, target any) (bool, error) {
	s := scan(d.read())
	for s.enter('{'); s.more('}'); {
		if s.name() == name {
			return true, json.Unmarshal(s.raw(), target)
		}
		s.skip()
	}
	if s.bad {
		return false, errNoDocument
	}
	return false, nil
}

// Doc decodes it.
func (d RawDoc[T]) Doc() (Doc[T], error) {
	var doc Doc[T]
	err := doc.UnmarshalJSON(d.read())
	return doc, err
}

// MarshalJSON returns the bytes.
func (d RawDoc[T]) MarshalJSON() ([]byte, error) { return d.read(), nil }

func (d RawDoc[T]) passthrough() *response { return d.response }

func (RawDoc[T]) schema() schema { return documentSchema(reflect.TypeFor[T]()) }
