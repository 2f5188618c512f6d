package store

import (
	"encoding/base64"
	"testing"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
)

func TestCursorsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		query := [cursorHash]byte(rapid.SliceOfN(rapid.Byte(), cursorHash, cursorHash).Draw(t, "query"))
		last := Position{Key: string(rapid.SliceOfN(rapid.Byte(), 0, 1024).Draw(t, "key")), ID: core.NewDocumentID()}
		got, of, ok := parseCursor(encodeCursor(query, last))
		if !ok || got != last || of != query {
			t.Fatalf("%+v came back as %+v, %t", last, got, ok)
		}
	})
}

// FuzzCursor: whatever comes in as a cursor, what is taken is a position in the
// query's range.
func FuzzCursor(f *testing.F) {
	r := Range{Table: 1, Index: 2, From: Position{Key: "\x02b"}, To: Position{Key: "\x02y"}}
	query := fingerprint("ws_1", r, nil)
	const id = "doc_01a20bad-9dd4-702e-808c-f2a31f31a658"
	f.Add(encodeCursor(query, Position{"\x02c", id}))
	f.Add(encodeCursor(query, Position{"\x02z", id}))
	f.Add("")
	f.Add("AQ")
	f.Add(base64.RawURLEncoding.EncodeToString(append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)))
	f.Fuzz(func(t *testing.T, cursor string) {
		last, err := decodeCursor(query, r, cursor)
		if err != nil {
			if core.KindOf(err) != core.Invalid {
				t.Fatal(err)
			}
			return
		}
		if !r.Contains(last) || !core.ValidID("doc_", string(last.ID)) {
			t.Fatalf("%q was taken for %+v", cursor, last)
		}
	})
}
