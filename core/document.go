package core

import (
	"encoding/json"
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
	head, _ := json.Marshal(struct {
		ID      DocumentID `json:"id"`
		Version int64      `json:"version"`
		Created time.Time  `json:"createdAt"`
		Updated time.Time  `json:"updatedAt"`
	}{d.ID, d.Version, d.Created.UTC(), d.Updated.UTC()})
	if len(d.Body) <= len("{}") {
		return head
	}
	flat := make([]byte, 0, len(head)+len(d.Body))
	flat = append(flat, head[:len(head)-1]...)
	flat = append(flat, ',')
	return append(flat, d.Body[1:]...)
}

// ReservedFields are the host's members of a flat document.
var ReservedFields = []string{"id", "version", "createdAt", "updatedAt"}
