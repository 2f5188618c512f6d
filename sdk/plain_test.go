package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shelfMark is a string that reads and writes itself.
type shelfMark struct{ text string }

func (m shelfMark) MarshalJSON() ([]byte, error) { return json.Marshal("mark " + m.text) }

func (m *shelfMark) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	text, ok := strings.CutPrefix(s, "mark ")
	if !ok {
		return errors.New("not a mark")
	}
	m.text = text
	return nil
}

type volume struct {
	Title  string    `json:"title"`
	Pages  uint16    `json:"pages"`
	Rating float64   `json:"rating"`
	Lent   bool      `json:"lent"`
	Bought time.Time `json:"bought"`
	Mark   shelfMark `json:"mark"`
	_      int
}

type shelfOf struct {
	ID      ID        `json:"id"`
	Number  int8      `json:"number"`
	Volumes []volume  `json:"volumes"`
	Names   []string  `json:"names"`
	Best    *volume   `json:"best"`
	Count   *int64    `json:"count"`
	Since   *DayOf    `json:"since"`
	Rows    [][]int32 `json:"rows"`
	Secret  string    `json:"-"`
	Plain   string
}

// DayOf is a kind of string.
type DayOf string

// texts are read by the same type plainly or not; either way alike.
var texts = []string{
	`{}`, ` { } `, `null`, `[]`, `"x"`, ``, `{`, `{}x`, `{} {}`, `{,}`, `{"id":"a",}`, `{"id" "a"}`, `{"id":"a" "number":1}`,
	`{"id":"a","number":-128,"names":["b","c"],"rows":[[1,2],[],null,[3]]}`,
	`{"number":128}`, `{"number":1.0}`, `{"number":1e1}`, `{"number":01}`, `{"number":-}`, `{"number":-0}`, `{"number":"1"}`, `{"number":null}`,
	`{"id":"a","id":"b"}`, `{"ID":"a"}`, `{"unknown":1}`, `{"unknown":{"id":["}"]},"id":"a"}`, `{"Secret":"x"}`, `{"secret":"x"}`, `{"Plain":"p"}`, `{"plain":"p"}`,
	`{"id":"é"}`, "{\"id\":\"\xff\"}", `{"id":"a\"b"}`, `{"id":"\u00e9"}`, "{\"id\":\"a\nb\"}", "{\"id\":\"\x7f\"}", `{"id":"<&>"}`, `{"id":"a}`,
	`{"names":[]}`, `{"names":null}`, `{"names":[null]}`, `{"names":["a",]}`, `{"names":[,]}`, `{"names":"a"}`, `{"names":["1","2","3","4","5","6","7","8","9"]}`,
	`{"volumes":[{"title":"t","pages":65535,"rating":2,"lent":true,"bought":"2026-01-02T03:04:05.5Z","mark":"mark A"},{"pages":1}]}`,
	`{"volumes":[{"pages":65536}]}`, `{"volumes":[{"pages":-1}]}`, `{"volumes":[{"rating":2.5}]}`, `{"volumes":[{"rating":-0}]}`, `{"volumes":[{"lent":truer}]}`,
	`{"volumes":[{"lent":1}]}`, `{"volumes":[{"bought":"x"}]}`, `{"volumes":[{"bought":null}]}`, `{"volumes":[{"mark":"other"}]}`, `{"volumes":[{"mark":7}]}`,
	`{"best":{"title":"t"},"count":9223372036854775807,"since":"x"}`, `{"best":null,"count":null,"since":null}`, `{"count":9223372036854775808}`,
	"\t{ \"id\"\r:\n\"a\" , \"number\" : 1 }\n",
}

// alike checks that a text is read plainly only if encoding/json reads the same,
// and reports whether it was.
func alike(t *testing.T, text string, lax bool) bool {
	t.Helper()
	var plainly, slowly shelfOf
	read := readPlain([]byte(text), reflect.ValueOf(&plainly), lax)
	decoder := json.NewDecoder(strings.NewReader(text))
	if !lax {
		decoder.DisallowUnknownFields()
	}
	err := decoder.Decode(&slowly)
	if err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			err = nil
		}
	}
	switch {
	case read && err != nil:
		t.Errorf("%q (lax %v) is read as %+v; encoding/json: %v", text, lax, plainly, err)
	case read && !reflect.DeepEqual(plainly, slowly):
		t.Errorf("%q (lax %v) is read as %+v, and by encoding/json as %+v", text, lax, plainly, slowly)
	case !read && !reflect.ValueOf(plainly).IsZero():
		t.Errorf("%q (lax %v) leaves %+v behind", text, lax, plainly)
	}
	if err == nil {
		got, gotErr := marshal(reflect.ValueOf(slowly))
		want, wantErr := json.Marshal(slowly)
		if !bytes.Equal(got, want) || (gotErr == nil) != (wantErr == nil) {
			t.Errorf("%+v is written as %s (%v), and by encoding/json as %s (%v)", slowly, got, gotErr, want, wantErr)
		}
	}
	return read
}

func TestPlainIsAsEncodingJSON(t *testing.T) {
	n := 0
	for _, text := range texts {
		if alike(t, text, false) {
			n++
		}
		if strings.HasSuffix(text, "}") && json.Valid([]byte(text)) { // as what the host writes is
			alike(t, text, true)
		}
	}
	if n < 12 {
		t.Errorf("only %d of the texts are read plainly", n)
	}
}

func FuzzPlainIsAsEncodingJSON(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		alike(t, text, false)
		if json.Valid([]byte(text)) {
			alike(t, text, true)
		}
	})
}

// What encoding/json treats in a way of its own is left to it.
func TestWhatIsNotPlain(t *testing.T) {
	type embedded struct{ volume }
	type list struct {
		Next *list `json:"next"`
	}
	type omitted struct {
		A string `json:"a,omitempty"`
	}
	type twice struct {
		A string `json:"a"`
		B string `json:"A"`
	}
	for _, v := range []any{
		embedded{}, list{}, omitted{}, twice{}, map[string]string{}, []byte{}, [2]int{}, json.Number(""), struct{ V any }{}, struct{ F func() }{}, pointerOnly{},
	} {
		if plainOf(reflect.TypeOf(v)) != nil {
			t.Errorf("%T is taken for plain", v)
		}
	}
	for _, v := range []any{shelfOf{}, volume{}, []volume{}, time.Time{}, new(time.Time), json.RawMessage{}} {
		if plainOf(reflect.TypeOf(v)) == nil {
			t.Errorf("%T is not taken for plain", v)
		}
	}
	var answer any = []map[string]int{{"a": 1}}
	for _, v := range []reflect.Value{reflect.ValueOf(answer), reflect.ValueOf(&answer).Elem(), reflect.ValueOf(omitted{}), reflect.ValueOf(&pointerOnly{"x"})} {
		got, err := marshal(v)
		want, _ := json.Marshal(v.Interface())
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is written as %s, %v", want, got, err)
		}
	}
}

// pointerOnly writes itself only where it can be pointed at.
type pointerOnly struct{ text string }

func (p *pointerOnly) MarshalJSON() ([]byte, error) { return json.Marshal("p" + p.text) }

// A number is read plainly only where there is room for it, and as encoding/json
// reads it.
func TestPlainNumbersAsEncodingJSON(t *testing.T) {
	type numbers struct {
		A int
		B int8
		C int16
		D int32
		E int64
		F uint
		G uint8
		H uint16
		I uint32
		J uint64
		K float32
		L float64
	}
	texts := []string{"0", "-0", "-1", "99999999999999999", "999999999999999999", "9999999999999999999", "123456789012345678"}
	for bits := range 64 {
		for off := -1; off <= 1; off++ {
			n := int64(1)<<bits + int64(off)
			texts = append(texts, strconv.FormatInt(n, 10), strconv.FormatInt(-n, 10), strconv.FormatUint(uint64(1)<<bits+uint64(off), 10))
		}
	}
	read := map[string]int{}
	for _, text := range texts {
		for field := 'A'; field <= 'L'; field++ {
			object := fmt.Sprintf(`{"%c":%s}`, field, text)
			var plainly, slowly numbers
			err := json.Unmarshal([]byte(object), &slowly)
			if !readPlain([]byte(object), reflect.ValueOf(&plainly), false) {
				continue
			}
			read[string(field)]++
			if err != nil || plainly != slowly || math.Signbit(plainly.L) != math.Signbit(slowly.L) {
				t.Errorf("%s is read as %+v; encoding/json: %+v, %v", object, plainly, slowly, err)
			}
		}
	}
	if len(read) != 12 || read["B"] < 20 {
		t.Errorf("plainly read are, of each kind, %v", read)
	}
}
