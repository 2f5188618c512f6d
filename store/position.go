package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Compare orders positions by key, then id.
func (p Position) Compare(other Position) int {
	return cmp.Or(cmp.Compare(p.Key, other.Key), cmp.Compare(p.ID, other.ID))
}

// After is the least position behind p.
func (p Position) After() Position { return Position{p.Key, p.ID + "\x00"} }

// Rest is what of the range lies behind a position in it, in its order.
func (r Range) Rest(behind Position) Range {
	if r.Desc {
		r.To = behind
	} else {
		r.From = behind.After()
	}
	return r
}

// Until is the range up to and with a position in it, in its order.
func (r Range) Until(last Position) Range {
	if r.Desc {
		r.From = last
	} else {
		r.To = last.After()
	}
	return r
}

// Contains reports whether a position is in the range.
func (r Range) Contains(p Position) bool { return p.Compare(r.From) >= 0 && p.Compare(r.To) < 0 }

// Digest stands for what is in a range: its positions in ascending order, and
// unless it is KeysOnly the documents' versions. It is the SHA-256 of its rows,
// each of them the key and the id behind their lengths, and the version, with
// numbers of 4, 4 and 8 bytes, the highest first: a database can make it, too.
type Digest [sha256.Size]byte

// Digester makes a Digest of the rows of a range, added in ascending order.
type Digester struct {
	hash     hash.Hash
	keysOnly bool
}

// NewDigester returns a Digester for a range without rows.
func NewDigester(r Range) *Digester { return &Digester{sha256.New(), r.KeysOnly} }

// Add adds the next row.
func (d *Digester) Add(p Position, version int64) {
	row := make([]byte, 0, 512)
	row = append(binary.BigEndian.AppendUint32(row, uint32(len(p.Key))), p.Key...)
	row = append(binary.BigEndian.AppendUint32(row, uint32(len(p.ID))), p.ID...)
	if !d.keysOnly {
		row = binary.BigEndian.AppendUint64(row, uint64(version))
	}
	d.hash.Write(row)
}

// Sum returns the Digest of the rows added.
func (d *Digester) Sum() (sum Digest) {
	d.hash.Sum(sum[:0])
	return sum
}

// digestOf is the Digest of rows in the order of their range.
func digestOf(r Range, rows []Row) Digest {
	d := NewDigester(r)
	for i := range rows {
		row := &rows[i]
		if r.Desc {
			row = &rows[len(rows)-1-i]
		}
		d.Add(row.Position, row.Document.Version)
	}
	return d.Sum()
}
