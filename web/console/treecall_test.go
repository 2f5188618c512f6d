package console

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk/ui"
)

func TestWhatIsTypedBecomesJSON(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	for _, c := range []struct {
		format ui.Format
		typed  []string
		want   string // JSON, or what is wrong after "!"
	}{
		{"", []string{"  Ada "}, `"Ada"`},
		{"", []string{""}, `null`},
		{"", nil, `null`},
		{ui.Long, []string{" a\r\nb "}, `" a\nb "`},
		{ui.Email, []string{"a@example.com"}, `"a@example.com"`},
		{ui.Number, []string{"12.50"}, `12.50`},
		{ui.Number, []string{"-0"}, `-0`},
		{ui.Number, []string{"1e5"}, `!number`},
		{ui.Number, []string{"1,5"}, `!number`},
		{ui.Number, []string{"01"}, `!number`},
		{ui.Number, []string{"12]"}, `!number`},
		{ui.Money, []string{"12.5"}, `{"amount":1250,"currency":"EUR"}`},
		{ui.Money, []string{"-0.05"}, `{"amount":-5,"currency":"EUR"}`},
		{ui.Money, []string{"12.505"}, `!2 decimals`},
		{ui.Money, []string{"9999999999999999"}, `!amount`},
		{ui.Date, []string{"2026-02-28"}, `"2026-02-28"`},
		{ui.Date, []string{"2026-02-30"}, `!date`},
		{ui.Time, []string{"2026-03-04T12:30"}, `"2026-03-04T11:30:00Z"`},
		{ui.Time, []string{"2026-03-04T12:30:15"}, `"2026-03-04T11:30:15Z"`},
		{ui.Time, []string{"noon"}, `!time`},
		{ui.Bool, []string{"true"}, `true`},
		{ui.Bool, nil, `false`},
		{ui.List, nil, `[]`},
		{ui.List, []string{"a", "c"}, `["a","c"]`},
		{ui.List, []string{" a \r\n\r\nb"}, `["a","b"]`},
		{ui.Hidden, []string{`{"a":[1]}`}, `{"a":[1]}`},
		{ui.Hidden, []string{`{"a":`}, `!JSON`},
	} {
		value, fault := readField(c.format, c.typed, "eur ", zone)
		if wrong, ok := strings.CutPrefix(c.want, "!"); ok {
			if !strings.Contains(fault, wrong) {
				t.Errorf("%s %q: the fault is %q, want %q", c.format, c.typed, fault, wrong)
			}
			continue
		}
		got, err := json.Marshal(value)
		if err != nil || string(got) != c.want || fault != "" {
			t.Errorf("%s %q: %s %v %q, want %s", c.format, c.typed, got, err, fault, c.want)
		}
	}
	if _, fault := readField(ui.Money, []string{"1"}, "euro", zone); !strings.Contains(fault, "currency") {
		t.Errorf("a currency that is none: %q", fault)
	}
	if value, fault := readField(ui.Money, []string{"1250"}, "JPY", zone); fault != "" || string(encode(value)) != `{"amount":1250,"currency":"JPY"}` {
		t.Errorf("yen: %s %q", encode(value), fault)
	}
	value, fault := readField(ui.Money, []string{"1.2345"}, "CLF", zone) // the currency with the most decimals
	if fault != "" || string(encode(value)) != `{"amount":12345,"currency":"CLF"}` {
		t.Errorf("unidades de fomento: %s %q", encode(value), fault)
	}
}

// A field that is left empty is not sent, but by a PATCH, which removes it.
func TestAnEmptyFieldIsLeftOut(t *testing.T) {
	c := call{Method: "POST", Path: "/contacts", Form: "form-1", Inputs: [][2]string{{"name", ""}, {"phone", ""}, {"vip", "bool"}}}
	fields := url.Values{"name": {"Ada"}, "phone": {" "}, "other": {"x"}}
	for method, want := range map[string]string{"POST": `{"name":"Ada","vip":false}`, "PATCH": `{"name":"Ada","phone":null,"vip":false}`} {
		c.Method = method
		if body, err := c.body(fields, time.UTC); err != nil || string(body) != want {
			t.Errorf("%s sends %s, %v; want %s", method, body, err, want)
		}
	}
	c.Inputs = append(c.Inputs, [2]string{"name", "number"})
	if _, err := c.body(fields, time.UTC); core.KindOf(err) != core.Invalid || core.ViolationsOf(err)[0].Location != "body.name" {
		t.Errorf("a name that is no number: %v", err)
	}
}

// TestAttack46_ACallStaysInThePlugin: what comes back from a page is not
// trusted either. Whatever it names, it is a route of the plugin or nothing.
func TestAttack46_ACallStaysInThePlugin(t *testing.T) {
	for _, field := range []string{
		"", "null", "[]", `{"method":"POST"}`, `{"method":"GET","path":"/contacts"}`, `{"method":"post","path":"/contacts"}`,
		`{"method":"POST","path":"/../plan"}`, `{"method":"POST","path":"//evil.example.com"}`, `{"method":"POST","path":"/a?b=c"}`,
		`{"method":"POST","path":"/a%2e"}`, `{"method":"POST /a DELETE","path":"/b"}`, `{"method":"POST","path":"/a\n/b"}`,
		`{"method":"POST","path":"/` + strings.Repeat("a", maxPath) + `"}`,
		`{"method":"POST","path":"/a","inputs":` + string(encode(make([][2]string, maxInputs+1))) + `}`,
	} {
		if c, err := readCall(field); core.KindOf(err) != core.Invalid {
			t.Errorf("%.80s is the call %+v, %v", field, c, err)
		}
	}
	for _, then := range []string{"https://evil.example.com", "//evil.example.com", "/..", "/a?b", "javascript:alert(1)"} {
		c, err := readCall(string(encode(call{Method: "POST", Path: "/a", Then: then})))
		if err != nil || c.Then != "" {
			t.Errorf("then %q leads to %q, %v", then, c.Then, err)
		}
	}
	// Members of an answer are the plugin's as well.
	for _, id := range []any{"..", "../../plan", "a/b", "", nil, "a?b", "%2e", strings.Repeat("a", 600), map[string]any{}} {
		if path := expand("/contacts/:id", map[string]any{"id": id}); path != "" {
			t.Errorf("%v makes the path %q", id, path)
		}
	}
	if path := expand("/contacts/:id/notes/:noteId", map[string]any{"id": "doc_1", "noteId": json.Number("7")}); path != "/contacts/doc_1/notes/7" {
		t.Errorf("a good answer makes the path %q", path)
	}
}
