package mustache

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var values map[string]any
	if err := decoder.Decode(&values); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestRender(t *testing.T) {
	values := object(t, `{"name":"Ada <b>","big":12345678901234567890,"yes":true,"no":false,"none":null,"empty":"",
		"order":{"number":"A-1","total":{"amount":1250,"currency":"EUR"}},
		"items":[{"title":"Pen","price":{"amount":5,"currency":"EUR"}},{"title":"Ink","price":{"amount":300,"currency":"JPY"}}],"tags":["a","b"]}`)
	for _, one := range []struct{ name, source, want, unknown string }{
		{"text", "no tags, } and { alone", "no tags, } and { alone", ""},
		{"escaped", `<a title="{{name}}">`, `<a title="Ada &lt;b&gt;">`, ""},
		{"spaces", "{{ name }}", "Ada &lt;b&gt;", ""},
		{"a path", "{{order.number}}", "A-1", ""},
		{"money", "{{order.total}}", "12.50 EUR", ""},
		{"a number keeps its digits", "{{big}}", "12345678901234567890", ""},
		{"null is known", "[{{none}}]", "[]", ""},
		{"unknown is nothing, and reported once", "[{{nope}}{{order.nope}}{{nope}}]", "[]", "nope order.nope"},
		{"a list has no text", "{{tags}}{{order}}", "", "tags order"},
		{"a list", "{{#items}}{{title}} {{price}}, {{/items}}", "Pen 0.05 EUR, Ink 300 JPY, ", ""},
		{"what is around a list", "{{#items}}{{order.number}}{{/items}}", "A-1A-1", ""},
		{"the item itself", "{{#tags}}<{{.}}>{{/tags}}", "<a><b>", ""},
		{"an object", "{{#order}}{{number}}{{/order}}", "A-1", ""},
		{"conditions", "{{#yes}}y{{/yes}}{{#no}}n{{/no}}{{#none}}n{{/none}}{{#empty}}n{{/empty}}{{#gone}}n{{/gone}}", "y", ""},
		{"else", "{{^yes}}y{{/yes}}{{^no}}n{{/no}}{{^gone}}g{{/gone}}{{^items}}i{{/items}}", "ng", ""},
		{"a comment", "a{{! of {no} use }}b", "ab", ""},
	} {
		parsed, err := Parse(one.source)
		if err != nil {
			t.Errorf("%s: %v", one.name, err)
			continue
		}
		got, unknown, err := parsed.Render(values, HTML)
		if err != nil || got != one.want || strings.Join(unknown, " ") != one.unknown {
			t.Errorf("%s: %q, unknown %q, %v", one.name, got, unknown, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for source, says := range map[string]string{
		"a\n{{name":                            "line 2: {{ is never closed",
		"{{#a}}\n\n":                           "line 1: {{#a}} is never closed",
		"{{#a}}\n{{/b}}":                       "line 2: {{/b}} closes what is not open",
		"{{/a}}":                               "line 1: {{/a}} closes what is not open",
		"{{}}":                                 "is not a name",
		"{{a b}}":                              "is not a name",
		"{{{raw}}}":                            "is not a name",
		"{{a..b}}":                             "is not a name",
		"{{" + strings.Repeat("a", 101) + "}}": "too long",
		strings.Repeat("{{#a}}", 9):            "more than 8 sections",
	} {
		if _, err := Parse(source); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.30q: %v, want %s", source, err, says)
		}
	}
}

// A short template over a list that is not long would be larger than any mail.
func TestARenderedTextIsBounded(t *testing.T) {
	list := make([]any, 1000)
	for i := range list {
		list[i] = "x"
	}
	source := strings.Repeat("{{#l}}", 6) + "{{.}}" + strings.Repeat("{{/l}}", 6)
	parsed, err := Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := parsed.Render(map[string]any{"l": list}, Plain); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%v", err)
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", " a\r\nBcc: b@example.com ": "a Bcc: b@example.com", "a\x00\tb\u2028c\u0085d": "a b c d", "\xffé": "é", "\r\n": "",
	} {
		if got := Line(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// Whatever a template and its values are: a value changes nothing but its own
// place, where it is escaped; and a line is one.
func FuzzRender(f *testing.F) {
	f.Add("Hello {{name}}, {{#items}}{{.}}{{/items}}", "<script>alert('&')</script>\r\nBcc: x")
	f.Add("{{^a}}{{b.c}}{{/a}}{{! no }}", "\x00\xff")
	f.Add("{{#items}}{{#items}}{{name}}{{/items}}{{/items}}", "\u2028")
	f.Fuzz(func(t *testing.T, source, value string) {
		const mark = "\x01"
		parsed, err := Parse(source)
		if err != nil || value == "" || strings.Contains(source+value, mark) {
			return
		}
		of := func(value string, escape Escape) (string, error) {
			rendered, unknown, err := parsed.Render(map[string]any{"name": value, "items": []any{value, value}, "b": map[string]any{"c": value}}, escape)
			slices.Sort(unknown)
			if len(slices.Compact(slices.Clone(unknown))) != len(unknown) {
				t.Errorf("reported twice: %q", unknown)
			}
			return rendered, err
		}
		html, err := of(value, HTML)
		marked, failed := of(mark, HTML)
		if err != nil || failed != nil {
			return
		}
		if want := strings.ReplaceAll(marked, mark, HTML(value)); html != want {
			t.Errorf("%q, want %q", html, want)
		}
		if line := Line(html); strings.ContainsFunc(line, unicode.IsControl) || !utf8.ValidString(line) {
			t.Errorf("%q is not a line", line)
		}
		if escaped := HTML(value); strings.ContainsAny(escaped, "<>\"'") {
			t.Errorf("%q is not escaped: %q", value, escaped)
		}
	})
}
