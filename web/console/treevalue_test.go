package console

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/sdk/ui"
)

func TestValuesAreReadable(t *testing.T) {
	p := &parser{place: there(nil)}
	words := []ui.Option{{Value: "in_progress", Label: "In progress", Tone: ui.Warning}, {Value: "true", Label: "On"}}
	for _, c := range []struct {
		value  string // JSON
		format ui.Format
		want   string
	}{
		{`null`, "", ""}, {`"text"`, "", "text"}, {`true`, "", "On"}, {`false`, ui.Bool, "no"},
		{`2026`, "", "2026"}, {`12.50`, "", "12.50"}, {`3.0`, "", "3"}, {`9007199254740993`, "", "9007199254740993"},
		{`1234567.5`, ui.Number, "1,234,567.50"}, {`-1234`, ui.Number, "-1,234"}, {`999`, ui.Number, "999"}, {`"1e9"`, ui.Number, "1e9"},
		{`{"amount":125000,"currency":"EUR"}`, ui.Money, "1,250.00 EUR"}, {`{"amount":-5,"currency":"EUR"}`, ui.Money, "-0.05 EUR"},
		{`{"amount":1250,"currency":"JPY"}`, ui.Money, "1,250 JPY"}, {`{"amount":1250,"currency":"KWD"}`, ui.Money, "1.250 KWD"},
		{`{"amount":12345,"currency":"CLF"}`, ui.Money, "1.2345 CLF"},
		{`{"amount":"a lot","currency":"EUR"}`, ui.Money, "a lot EUR"}, {`"12"`, ui.Money, "12"},
		{`{"amount":-9223372036854775808,"currency":"EUR"}`, ui.Money, "-92,233,720,368,547,758.08 EUR"},
		{`"2026-03-04"`, ui.Date, "4 Mar 2026"}, {`"soon"`, ui.Date, "soon"},
		{`"2026-03-04T23:30:00Z"`, ui.Time, "5 Mar 2026, 00:30"}, // the workspace's zone
		{`"2026-03-04T11:59:31Z"`, ui.Relative, "just now"}, {`"2026-03-04T10:00:00Z"`, ui.Relative, "2 hours ago"},
		{`"2026-03-05T12:00:00Z"`, ui.Relative, "in 1 day"}, {`"2024-03-05T12:00:00Z"`, ui.Relative, "1 year ago"},
		{`["a","in_progress"]`, ui.List, "a, In progress"}, {`"in_progress"`, ui.Badge, "In progress"}, {`true`, ui.Bool, "On"},
		{`{"a":1}`, "", `{"a":1}`},
	} {
		members, err := p.members(json.RawMessage(`{"v":` + c.value + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.value(members["v"], c.format, words).Text; got != c.want {
			t.Errorf("%s as %q is %q, want %q", c.value, c.format, got, c.want)
		}
	}
}

// What a form shows of a value is read back as the same value.
func TestAValueGoesThroughAForm(t *testing.T) {
	for format, value := range map[ui.Format]string{
		"": `"Ada"`, ui.Long: `"a\nb"`, ui.Number: `12.5`, ui.Bool: `true`, ui.Date: `"2026-03-04"`, ui.List: `["a","b c"]`,
		ui.Money: `{"amount":-125,"currency":"EUR"}`, ui.Time: `"2026-03-04T11:30:00Z"`, ui.Hidden: `{"a":[1,"x"]}`,
	} {
		p := &parser{place: there(nil)}
		members, err := p.members(json.RawMessage(`{"v":` + value + `}`))
		if err != nil {
			t.Fatal(err)
		}
		from := ui.Input{Name: "v", Format: format}
		in := question{Kind: kindOf(from)}
		p.fill(&in, from, members["v"])
		back, fault := readField(format, []string{in.Value}, in.Currency, p.Zone)
		if got := string(encode(back)); got != value || fault != "" {
			t.Errorf("%q: %s came back as %s %s", format, value, got, fault)
		}
	}
}

func TestCutTextKeepsCharactersWhole(t *testing.T) {
	if got := cutText("aé", 2); got != "a…" {
		t.Errorf("cut to %q", got)
	}
	if got := cutText("a\xff", 9); got != "a�" {
		t.Errorf("text that is no UTF-8 is %q", got)
	}
}

func TestTimesFarAwayAreShown(t *testing.T) {
	if got := relative(time.Time{}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); got == "" {
		t.Error("nothing")
	}
}
