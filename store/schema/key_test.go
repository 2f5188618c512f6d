package schema

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
)

func floats() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		x := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{
			0, -1, 1, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64,
		})).Draw(t, "float")
		return x + 0
	})
}

// strings with NUL bytes, shared prefixes and every kind of rune.
func texts() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		return rapid.OneOf(rapid.StringOf(rapid.SampledFrom([]rune{0, 1, 2, 'A', 'a', 'b', 0xff, 0x7ff, 0xffff, 0x1f600})), rapid.String()).Draw(t, "text")
	})
}

var kinds = map[string]*rapid.Generator[any]{
	"bool":   rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	"int":    rapid.Map(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3)), func(n int64) any { return n }),
	"float":  floats(),
	"string": texts(),
	"time": rapid.Map(rapid.Int64Range(-70_000_000_000_000_000, 250_000_000_000_000_000), func(us int64) any {
		return time.UnixMicro(us).Add(time.Duration(us % 1000)).UTC()
	}),
	"money": rapid.Custom(func(t *rapid.T) any {
		return core.Money{Amount: rapid.Int64().Draw(t, "amount"), Currency: rapid.SampledFrom([]string{"CHF", "EUR", "EUX", "USD"}).Draw(t, "currency")}
	}),
}

// TestKeyOrder: the order of keys is the order of values, of several fields at
// once, with nulls.
func TestKeyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"bool", "int", "float", "string", "time", "money"}), 1, 3).Draw(t, "fields")
		tuple := func(label string) (values []any) {
			for _, n := range names {
				if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
					values = append(values, nil)
				} else {
					values = append(values, kinds[n].Draw(t, label))
				}
			}
			return values
		}
		a, b := tuple("a"), tuple("b")
		if rapid.Bool().Draw(t, "share") {
			b[0] = a[0]
		}
		want := slices.CompareFunc(a, b, Compare)
		if got := bytes.Compare(encode(a), encode(b)); got != want {
			t.Fatalf("keys of %v and %v compare %d, want %d", a, b, got, want)
		}
	})
}

// TestKeyOrderOfLongValues: cut keys are equal exactly when the values are, and
// ordered as far as their first Exact bytes decide it.
func TestKeyOrderOfLongValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		long := func(label string) string {
			return strings.Repeat("x", rapid.IntRange(970, 1030).Draw(t, label)) + rapid.StringN(0, 60, -1).Draw(t, label)
		}
		a, b := long("a"), long("b")
		if rapid.Bool().Draw(t, "same") {
			b = a
		}
		full, other := AppendKey(nil, a), AppendKey(nil, b)
		x, y := Seal(slices.Clone(full)), Seal(slices.Clone(other))
		if len(x) > MaxKey || len(y) > MaxKey {
			t.Fatalf("keys of %d and %d bytes", len(x), len(y))
		}
		if (a == b) != bytes.Equal(x, y) {
			t.Fatalf("%q and %q: equal keys %t", a, b, bytes.Equal(x, y))
		}
		if !bytes.Equal(Bound(full), Bound(other)) && bytes.Compare(x, y) != cmp.Compare(a, b) {
			t.Fatalf("%q and %q are in the wrong order", a, b)
		}
		// A range with cut bounds holds every key of the values in it.
		if a <= b && (bytes.Compare(x, Bound(full)) < 0 || bytes.Compare(x, Successor(Bound(other))) >= 0) {
			t.Fatalf("%q is outside of [%q, %q]", a, a, b)
		}
	})
}

// TestPrefixKeys: the keys between a prefix and its successor are those of the
// strings that begin with it.
func TestPrefixKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, p := texts().Draw(t, "s").(string), texts().Draw(t, "p").(string)
		if rapid.Bool().Draw(t, "cut") && len(s) > 0 {
			p = s[:rapid.IntRange(0, len(s)).Draw(t, "at")]
		}
		key, first := AppendKey(nil, s), AppendPrefix(nil, p)
		within := bytes.Compare(key, first) >= 0 && bytes.Compare(key, Successor(first)) < 0
		if within != strings.HasPrefix(s, p) {
			t.Fatalf("%q begins with %q: %t by key", s, p, within)
		}
	})
}

func TestKeyEnds(t *testing.T) {
	null, first, end := AppendKey(nil, nil), AppendFirst(nil), AppendEnd(nil)
	for _, v := range []any{false, int64(math.MinInt64), -math.MaxFloat64, "", time.Time{}, core.Money{Amount: math.MinInt64}, true, int64(math.MaxInt64), math.MaxFloat64, "\U0010ffff"} {
		key := AppendKey(nil, v)
		if bytes.Compare(null, first) >= 0 || bytes.Compare(first, key) > 0 || bytes.Compare(key, end) >= 0 {
			t.Errorf("%v is not between null and the end", v)
		}
	}
}

func encode(values []any) (key []byte) {
	for _, v := range values {
		key = AppendKey(key, v)
	}
	return key
}
