package console

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk/ui"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// everything is the page with each component that sdk/ui keeps as its golden.
func everything(t testing.TB) json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile("../../sdk/ui/testdata/page.json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// rendered is the part of a page that a plugin's tree makes, a tag a line.
func rendered(t testing.TB, raw json.RawMessage, at place) string {
	t.Helper()
	parsed, err := parseTree(raw, at)
	if err != nil {
		t.Fatal(err)
	}
	var html strings.Builder
	if err := treePage(frame{Title: parsed.Title}, parsed).Render(t.Context(), &html); err != nil {
		t.Fatal(err)
	}
	_, main, _ := strings.Cut(html.String(), "<main")
	main, _, _ = strings.Cut(main, "</main>")
	return "<main" + strings.NewReplacer("><", ">\n<", "> <", ">\n<").Replace(main) + "</main>\n"
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: it is\n%s", file, got)
	}
}

func TestEveryComponentRendered(t *testing.T) {
	golden(t, "testdata/page.html", rendered(t, everything(t), there(map[string]string{"stage": "lead", "sort": "name", "cursor": "c1"})))
}

// TestARefusedFormIsShownAgain: what was typed is kept, each fault is at its
// input and in the list above, and what was wrong elsewhere is not lost.
func TestARefusedFormIsShownAgain(t *testing.T) {
	form := ui.Form("Edit", "PATCH /contacts/doc_1", "/contacts/:id",
		ui.Input{Name: "name", Label: "Name", Required: true, Help: "As they write it."},
		ui.Input{Name: "budget", Label: "Budget", Format: ui.Money, Options: ui.Options("EUR", "JPY")},
		ui.Input{Name: "tags", Label: "Tags", Format: ui.List, Options: ui.Options("a", "b", "c")},
		ui.Input{Name: "subscribed", Label: "Subscribed", Format: ui.Bool, Value: true},
		ui.Input{Name: "notes", Label: "Notes", Format: ui.Long},
	).Fill(map[string]any{"name": "Ada", "budget": ui.Node{}})
	raw, err := json.Marshal(ui.Page("Edit", form, form))
	if err != nil {
		t.Fatal(err)
	}
	at := there(nil)
	at.Refused = &refusedCall{
		Call:    call{Method: "PATCH", Path: "/contacts/doc_1", Form: "form-2", Inputs: [][2]string{{"name", ""}, {"budget", "money"}, {"tags", "list"}}},
		Fields:  url.Values{"name": {"Bob"}, "budget": {"12,5"}, "budget.currency": {"JPY"}, "tags": {"a", "c"}, "notes": {"one\ntwo"}},
		Message: "Some values are not what they should be.",
		Faults: core.Violations{
			{Location: "body.name", Message: "is taken"}, {Location: "body.budget.amount", Message: "is too small"},
			{Location: "header.if-match", Message: "is old"},
		},
	}
	golden(t, "testdata/refused.html", rendered(t, raw, at))
	if places := at.Refused.elsewhere(); len(places) != 1 || !strings.Contains(places[0], "is old") {
		t.Errorf("what no input shows: %q", places)
	}
	if !at.Refused.Shown {
		t.Error("nobody shows the message")
	}
}

// Two showings of one page with the same state are the same bytes, but for
// what marks the showing.
func TestRenderingIsStable(t *testing.T) {
	if a, b := rendered(t, everything(t), there(nil)), rendered(t, everything(t), there(nil)); a != b {
		t.Error("two renderings differ")
	}
	at := there(nil)
	at.Once = strings.Repeat("1", 32)
	if !bytes.Contains([]byte(rendered(t, everything(t), at)), []byte(at.Once)) {
		t.Error("what marks the showing is not in its forms")
	}
}
