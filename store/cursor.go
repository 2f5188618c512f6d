package store

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/schema"
)

// A cursor is a version byte, eight bytes that stand for the query it
// continues, and the position of the last row: the length of the key as a
// varint, the key, the id. It is no secret and carries no authority: it can
// only choose a place in a range the query reads anyway. (Its holder can read
// in it the values of the last row that the query sorts by.)
const cursorVersion = 1

const cursorHash = 8

// maxCursor is more than any cursor needs.
const maxCursor = 2 * schema.MaxKey

// fingerprint stands for a query, all but its limit.
func fingerprint(ws core.WorkspaceID, r Range, conditions []condition) [cursorHash]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %d %d %t %q %q", ws, r.Table, r.Index, r.Desc, r.From.Key, r.To.Key)
	for _, c := range conditions {
		fmt.Fprintf(h, " %q %s %q", c.field.Name, c.op, schema.AppendKey(nil, c.value))
	}
	return [cursorHash]byte(h.Sum(nil))
}

func encodeCursor(query [cursorHash]byte, last Position) string {
	b := append([]byte{cursorVersion}, query[:]...)
	b = binary.AppendUvarint(b, uint64(len(last.Key)))
	b = append(b, last.Key...)
	b = append(b, last.ID...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor returns the position of the last row before the page.
func decodeCursor(query [cursorHash]byte, r Range, cursor string) (Position, error) {
	const op = "store.Query"
	const msg = "The cursor is not valid."
	var wrong core.Violations
	last, found, ok := parseCursor(cursor)
	switch {
	case !ok:
		wrong.Add("cursor", "is not one that a page of this table came with; leave it out to begin again")
	case found != query || !r.Contains(last):
		wrong.Add("cursor", "belongs to another query; filters and sort must stay the same from page to page")
	}
	return last, wrong.Err(op, msg)
}

func parseCursor(cursor string) (last Position, query [cursorHash]byte, ok bool) {
	if len(cursor) > maxCursor {
		return last, query, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 1+cursorHash || b[0] != cursorVersion {
		return last, query, false
	}
	query, b = [cursorHash]byte(b[1:]), b[1+cursorHash:]
	n, size := binary.Uvarint(b)
	if size <= 0 || n > schema.MaxKey || uint64(len(b)-size) < n {
		return last, query, false
	}
	last = Position{Key: string(b[size : size+int(n)]), ID: core.DocumentID(b[size+int(n):])}
	return last, query, core.ValidID("doc_", string(last.ID))
}
