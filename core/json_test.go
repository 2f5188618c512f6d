package core_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

func TestCheckJSON(t *testing.T) {
	many := func(last string) string {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `"n%d": {"n%[1]d": 1}, `, i)
		}
		return `{` + b.String() + last + `: 1}`
	}
	for text, want := range map[string]string{ // place: fault
		`{}`: "", `[]`: "", `""`: "", `1`: "", `[[],[{}],{}]`: "",
		`{"a": 1, "b": {"a": 1, "c": [{"a": 1}, {"a": 1}]}, "c": "a"}`: "",
		`["a", "a", {"a": "a"}]`:                   "",
		`{"a": 1, "A": 2, "a ": 3, "": 4}`:         "",
		`{"a": 1, "a": 1}`:                         "a: is given twice",
		`{"a": 1, "\u0061": 2}`:                    "a: is given twice",
		`{"a\"b": 1, "a\u0022b": 2}`:               `a"b: is given twice`,
		`{"": 1, "": 2}`:                           ": is given twice",
		`{"é": 1, "\u00e9": 2}`:                    "é: is given twice",
		`{"a": {"b": [0, {"c": 1, "c": 2}]}}`:      "a.b[1].c: is given twice",
		`[{"a": {}, "b": [], "a": 1}]`:             "[0].a: is given twice",
		many(`"last"`):                             "",
		many(`"n0"`):                               "n0: is given twice",
		many(`"n99"`):                              "n99: is given twice",
		many(`"\u006e50"`):                         "n50: is given twice",
		`"\ud83d\ude00"`:                           "",
		`"\uD83D\uDE00 \\ud800 \\\\ud800"`:         "",
		`"\ud800"`:                                 `: holds \ud800, half of a character`,
		`"\udc00\ud800"`:                           `: holds \ud800, half of a character`,
		`{"a": "\ud83d\ud83d\ude00"}`:              `a: holds \ud83d, half of a character`,
		`{"a": ["x", "\ud83d\n\ude00"]}`:           `a[1]: holds \ude00, half of a character`,
		`{"a": "\ud83d\\ude00"}`:                   `a: holds \ud83d, half of a character`,
		`{"\udead": 1}`:                            "\uFFFD: holds \\udead, half of a character",
		"{\"a\": \"\xff\"}":                        ": is not valid UTF-8",
		"\"\xed\xa0\x80\"":                         ": is not valid UTF-8",
		`{"a": "\u0000"}`:                          "",
		`{"a": "{\"a\": 1, \"a\": 2}"}`:            "",
		`{"a": ",", "b": ":", "c": "}", "d": "]"}`: "",
	} {
		at, fault := core.CheckJSON([]byte(text))
		if got := strings.TrimPrefix(at+": "+fault, ": "); at+": "+fault != want && !(want == "" && got == "") {
			t.Errorf("%.80s: %q, want %q", text, at+": "+fault, want)
		}
	}
	for text, want := range map[string]string{
		`{"a": ["x", {"b": "y\u0000z"}]}`: "a[1].b",
		`{"a\u0000": 1}`:                  "a\x00",
		`{"a": "\\u0000"}`:                "",
	} {
		if at, fault := core.CheckStorable([]byte(text)); at != want || (fault == "") != (want == "") {
			t.Errorf("%s can't be stored: %q %q, want %q", text, at, fault, want)
		}
	}
	for _, deep := range []string{
		strings.Repeat(`{"abcdefgh":`, 5000) + `"\ud800"` + strings.Repeat(`}`, 5000),
		strings.Repeat(`[`, 5000) + `"\ud800"` + strings.Repeat(`]`, 5000),
	} {
		if at, fault := core.CheckJSON([]byte(deep)); fault == "" || len(at) > 400 {
			t.Errorf("deep: %d bytes of place, %q", len(at), fault)
		}
	}
}

// Of what is no JSON it says so, and of nothing else.
func TestCheckJSONIsOfJSON(t *testing.T) {
	for _, text := range []string{
		" ", "x", "{", "}", "[", "]", `"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\ud800\u"`, "\"\n\"", "{,}", "[,]", "[1,]", `{"a"}`, `{"a":}`, `{"a":1,}`,
		`{"a" 1}`, `{1:2}`, `[1 2]`, `[1}`, `{"a":1]`, "{]", "[}", "1 2", "{}{}", "01", "-", "1.", ".5", "1e", "1e+", "+1", "tru", "truex", "nul", ":", ",", `{"a"::1}`,
		`["a":1]`, `{"a":1 "b":2}`, strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
		"0", "-0.5e+7", "1E-1", "true", " [ ] ", "\t{ }\r\n", `[[],{"a":[{}]},null,false]`, strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
	} {
		if _, fault := core.CheckJSON([]byte(text)); (fault == "is not JSON") == json.Valid([]byte(text)) {
			t.Errorf("%.60q: %q", text, fault)
		}
	}
}

// FuzzCheckJSON: of valid JSON it finds exactly what decoding and encoding it
// again would change.
func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{`{"a":1,"a":2}`, `{"a":"\ud800"}`, `[{"b":{}},"\ud83d\ude00"]`, `{"a\\":"\"","a\\":1}`, "\"\xff\"", `{"a":[{"x":"\u0000"}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, fault := core.CheckJSON(text)
		if valid := json.Valid(text); !valid && fault == "" || valid && fault == "is not JSON" {
			t.Fatalf("%q: %q", text, fault)
		} else if !valid {
			return
		}
		if _, stored := core.CheckStorable(text); fault != "" && stored == "" {
			t.Fatalf("%q can be stored, but %s", text, fault)
		}
		if want := ambiguous(json.NewDecoder(strings.NewReader(string(text)))); want != (fault != "") && !strings.Contains(string(text), "\uFFFD") && !strings.Contains(strings.ToLower(string(text)), "ufffd") {
			t.Fatalf("%q: %q", text, fault)
		}
	})
}

// ambiguous decodes a value token by token, which shows each member, and U+FFFD
// for whatever is no character.
func ambiguous(d *json.Decoder) bool {
	d.UseNumber()
	found := false
	type object struct {
		names map[string]bool
		value bool
	}
	var open []*object
	for {
		token, err := d.Token()
		if err != nil {
			return found
		}
		var top *object
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		text, isText := token.(string)
		found = found || isText && strings.Contains(text, "\uFFFD")
		if top != nil && top.names != nil && token != json.Delim('}') {
			if top.value = !top.value; top.value {
				found = found || top.names[text]
				top.names[text] = true
			}
		}
		switch token {
		case json.Delim('{'):
			open = append(open, &object{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, &object{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
	}
}
