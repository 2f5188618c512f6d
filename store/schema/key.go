package schema

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// An index key is the encoded values of the index's fields one after another,
// such that the byte order of keys is the order of the values (see Compare).
//
//	null    01
//	bool    02, 00 or 01
//	int     02, 8 bytes big-endian, the sign bit flipped
//	float   02, 8 bytes big-endian, negative ones inverted, others with the sign bit flipped
//	string  02, the bytes with 00 as 00 FF, then 00 01 (date, email, url, id too)
//	time    02, seconds as an int, then nanoseconds as 4 bytes big-endian
//	money   02, the currency as a string without its 02, then the amount as an int
//
// Strings are compared by their bytes: case-sensitive, no collation.
//
// A key longer than MaxKey is cut to its first Exact bytes and the SHA-256 of
// the whole. Equal values still have equal keys and different values different
// ones, but values that agree in their first Exact bytes follow each other in
// no particular, though fixed, order. Ranges stay right, because their bounds
// are cut to Exact bytes, which makes the range wider, and every row found is
// held against the query's conditions again.
const (
	MaxKey = 1024
	Exact  = MaxKey - sha256.Size
)

const (
	tagNull  = 0x01
	tagValue = 0x02
	tagEnd   = 0x03 // behind every value
)

// AppendKey appends the encoding of one value.
func AppendKey(key []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(key, tagNull)
	case bool:
		if v {
			return append(key, tagValue, 1)
		}
		return append(key, tagValue, 0)
	case int64:
		return appendInt(append(key, tagValue), v)
	case float64:
		bits := math.Float64bits(v)
		if bits>>63 == 1 {
			bits = ^bits
		} else {
			bits |= 1 << 63
		}
		return binary.BigEndian.AppendUint64(append(key, tagValue), bits)
	case string:
		return append(appendString(append(key, tagValue), v), 0, 1)
	case time.Time:
		key = appendInt(append(key, tagValue), v.Unix())
		return binary.BigEndian.AppendUint32(key, uint32(v.Nanosecond()))
	default:
		money := v.(core.Money)
		key = append(appendString(append(key, tagValue), money.Currency), 0, 1)
		return appendInt(key, money.Amount)
	}
}

// AppendPrefix appends what the encodings of all strings with a prefix begin
// with.
func AppendPrefix(key []byte, prefix string) []byte {
	return appendString(append(key, tagValue), prefix)
}

// AppendFirst appends what lies behind null and not behind any value.
func AppendFirst(key []byte) []byte { return append(key, tagValue) }

// AppendEnd appends what lies behind every value.
func AppendEnd(key []byte) []byte { return append(key, tagEnd) }

func appendInt(key []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(v)^1<<63)
}

func appendString(key []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			return append(key, s...)
		}
		key = append(append(key, s[:i]...), 0, 0xff)
		s = s[i+1:]
	}
}

// Key returns a record's key in the index.
func (ix *Index) Key(r Record) string {
	var key []byte
	for _, f := range ix.Fields {
		key = AppendKey(key, f.Of(r).Go)
	}
	return string(Seal(key))
}

// Complete reports whether a record has a value for every field of the index:
// only then can it collide in a unique one.
func (ix *Index) Complete(r Record) bool {
	for _, f := range ix.Fields {
		if f.Of(r).Go == nil {
			return false
		}
	}
	return true
}

// Seal makes an encoded key storable: one that is longer than MaxKey ends in
// its hash.
func Seal(key []byte) []byte {
	if len(key) <= MaxKey {
		return key
	}
	sum := sha256.Sum256(key)
	return append(key[:Exact:Exact], sum[:]...)
}

// Bound cuts the beginning of a key so that it can begin or end a range of
// sealed keys.
func Bound(key []byte) []byte { return key[:min(len(key), Exact)] }

// Successor returns the least key behind all those that begin with prefix. The
// prefix is not empty and begins with a tag.
func Successor(prefix []byte) []byte {
	next := append([]byte(nil), prefix...)
	for i := len(next) - 1; i >= 0; i-- {
		if next[i] < 0xff {
			next[i]++
			return next[:i+1]
		}
	}
	return nil
}
