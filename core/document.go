package core

import (
	"encoding/json"
	"strconv"
	"time"
)

// Document is one row of a plugin's table. Body is a JSON object of the
// declared fields only. Version counts the commits that wrote the document, from
// 1, so a unit of work knows it before it commits; as ids are never given out
// again, an id and a version name one body for good.
type Document struct {
	ID      DocumentID
	Version int64
	Schema  int // the release's schema number it was written with
	Body    json.RawMessage
	Created time.Time
	Updated time.Time
}

// Flat is the document as guests and clients see it: one object, the host's
// members first.
func (d Document) Flat() json.RawMessage {
	return d.AppendFlat(make([]byte, 0, 192+len(d.Body)))
}

// AppendFlat appends the document as Flat returns it.
func (d Document) AppendFlat(b []byte) []byte {
	b = strconv.AppendQuote(append(b, `{"id":`...), string(d.ID))
	b = strconv.AppendInt(append(b, `,"version":`...), d.Version, 10)
	b = d.Created.UTC().AppendFormat(append(b, `,"createdAt":"`...), time.RFC3339Nano)
	b = d.Updated.UTC().AppendFormat(append(b, `","updatedAt":"`...), time.RFC3339Nano)
	if len(d.Body) <= len("{}") {
		return append(b, `"}`...)
	}
	return append(append(b, `",`...), d.Body[1:]...)
}

// ReservedFields are the host's members of a flat document.
var ReservedFields = []string{"id", "version", "createdAt", "updatedAt"}
