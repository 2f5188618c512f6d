package spectest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// value is an argument, or what a result must be like: a number, a reference,
// or a vector of lanes, each in decimal, "null", or a class of NaN. A reference
// without lanes is any one.
type value struct {
	kind  string // "i32", "f64", "v128", "externref", ...
	shape string // of a lane: "i8" to "f64", or the kind
	lanes []string
}

func (v *value) UnmarshalJSON(raw []byte) error {
	var read struct {
		Type  string          `json:"type"`
		Shape string          `json:"lane_type"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(raw, &read); err != nil {
		return err
	}
	*v = value{kind: read.Type, shape: read.Shape}
	if v.shape == "" {
		v.shape = v.kind
	}
	switch {
	case read.Value == nil:
		return nil
	case read.Value[0] == '[':
		return json.Unmarshal(read.Value, &v.lanes)
	}
	v.lanes = make([]string, 1)
	return json.Unmarshal(read.Value, &v.lanes[0])
}

// width is the number of bits of a lane.
func (v value) width() int {
	switch v.shape {
	case "i8":
		return 8
	case "i16":
		return 16
	case "i32", "f32":
		return 32
	default:
		return 64
	}
}

// words is how many of wazero's 64-bit words the value takes.
func (v value) words() int { return (len(v.lanes)*v.width() + 63) / 64 }

// bits returns the value as wazero passes it.
func (v value) bits() ([]uint64, error) {
	words := make([]uint64, v.words())
	for i, lane := range v.lanes {
		b, err := v.lane(lane)
		if err != nil {
			return nil, err
		}
		at := i * v.width()
		words[at/64] |= b << (at % 64)
	}
	return words, nil
}

// lane returns the bits of one lane. The suite's externrefs are numbers and
// wazero's are addresses, of which 0 is null, so the numbers begin at 1.
func (v value) lane(s string) (uint64, error) {
	switch {
	case s == "null":
		return 0, nil
	case v.kind == "externref":
		n, err := strconv.ParseUint(s, 10, 63)
		return n + 1, err
	}
	return strconv.ParseUint(s, 10, v.width())
}

// matches tells whether wazero's words are the value, or of its kind of NaN.
func (v value) matches(words []uint64) bool {
	if len(words) != v.words() {
		return false
	}
	for i, lane := range v.lanes {
		at := i * v.width()
		got := words[at/64] >> (at % 64) & (^uint64(0) >> (64 - v.width()))
		switch class, isNaN := strings.CutPrefix(lane, "nan:"); {
		case isNaN:
			if !v.isNaN(class, got) {
				return false
			}
		default:
			if want, err := v.lane(lane); err != nil || got != want {
				return false
			}
		}
	}
	return true
}

// isNaN tells whether the bits of a lane are a NaN of a class: "canonical", with
// nothing but the highest bit of the fraction, or "arithmetic", with that one
// and any others.
func (v value) isNaN(class string, bits uint64) bool {
	quiet, sign := uint64(0x7fc00000), uint64(1)<<31
	if v.width() == 64 {
		quiet, sign = 0x7ff8000000000000, 1<<63
	}
	switch class {
	case "canonical":
		return bits&^sign == quiet
	case "arithmetic":
		return bits&quiet == quiet
	}
	return false
}

func (v value) String() string {
	if len(v.lanes) == 0 {
		return "any " + v.kind
	}
	return fmt.Sprintf("%s %s", v.shape, strings.Join(v.lanes, " "))
}

func TestValuesMatchByBitsAndClassesOfNaN(t *testing.T) {
	for _, c := range []struct {
		json  string
		words []uint64
		want  bool
	}{
		{`{"type":"i32","value":"4294967295"}`, []uint64{0xffffffff}, true},
		{`{"type":"i32","value":"1"}`, []uint64{2}, false},
		{`{"type":"i64","value":"18446744073709551615"}`, []uint64{1<<64 - 1}, true},
		{`{"type":"i64","value":"1"}`, nil, false},
		{`{"type":"f32","value":"2147483648"}`, []uint64{0}, false}, // -0 is not 0
		{`{"type":"f32","value":"nan:canonical"}`, []uint64{0x7fc00000}, true},
		{`{"type":"f32","value":"nan:canonical"}`, []uint64{0xffc00000}, true},
		{`{"type":"f32","value":"nan:canonical"}`, []uint64{0x7fc00001}, false},
		{`{"type":"f32","value":"nan:arithmetic"}`, []uint64{0xffc00001}, true},
		{`{"type":"f32","value":"nan:arithmetic"}`, []uint64{0x7f800001}, false},
		{`{"type":"f64","value":"nan:canonical"}`, []uint64{0xfff8000000000000}, true},
		{`{"type":"f64","value":"nan:arithmetic"}`, []uint64{0x7ff0000000000001}, false},
		{`{"type":"f64","value":"nan:arithmetic"}`, []uint64{0x3ff0000000000000}, false},
		{`{"type":"externref","value":"null"}`, []uint64{0}, true},
		{`{"type":"externref","value":"0"}`, []uint64{1}, true},
		{`{"type":"externref","value":"0"}`, []uint64{0}, false},
		{`{"type":"v128","lane_type":"i8","value":["1","0","0","0","0","0","0","2","3","0","0","0","0","0","0","4"]}`, []uint64{2<<56 | 1, 4<<56 | 3}, true},
		{`{"type":"v128","lane_type":"f32","value":["0","nan:canonical","1","0"]}`, []uint64{0x7fc00000 << 32, 1}, true},
		{`{"type":"v128","lane_type":"f32","value":["0","nan:canonical","1","0"]}`, []uint64{0x7fc00000 << 32, 2}, false},
	} {
		var v value
		if err := json.Unmarshal([]byte(c.json), &v); err != nil {
			t.Fatal(err)
		}
		if got := v.matches(c.words); got != c.want {
			t.Errorf("%s matches %#x: %t", v, c.words, got)
		}
	}
}
