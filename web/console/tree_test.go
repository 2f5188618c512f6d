package console

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk/ui"
)

const base, here = "/console/w/acme/p/crm", "/console/w/acme/p/crm/contacts"

// there is where the tests' pages are shown.
func there(query map[string]string) place {
	return place{
		Page: here, Base: base, Query: query, Zone: time.FixedZone("CET", 3600),
		Now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Once: strings.Repeat("0", 32),
	}
}

func parse(t *testing.T, page ui.Tree) (tree, string, error) { return parseAt(t, page, there(nil)) }

func parseAt(t *testing.T, page ui.Tree, at place) (tree, string, error) {
	t.Helper()
	raw, err := json.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseTree(raw, at)
	var html strings.Builder
	if err == nil {
		err = treePage(frame{}, parsed).Render(t.Context(), &html)
	}
	return parsed, html.String(), err
}

// A plugin names pages and routes of its own. Whatever else it writes in their
// place, a form or a link of its page leads nowhere but to the plugin.
func TestAttack46_ATreesAddressesStayInThePlugin(t *testing.T) {
	for _, path := range []string{
		"", "contacts", "//evil.example.com/x", "https://evil.example.com", "javascript:alert(1)", "/..", "/../../installations/crm/uninstall",
		"/%2e%2e/%2e%2e/plan", "/a/./b", "/a?data=erase", "/a#b", "/a\\b", "/a\nb", "/a;b", "/a/", "/ä",
	} {
		rows := []json.RawMessage{json.RawMessage(`{"id":"../../../plan","name":"n"}`)}
		_, html, err := parse(t, ui.Page("p",
			ui.Link("link", path),
			ui.Upload("upload", "text", path, path),
			ui.Table([]ui.Column{{Key: "name", Label: "Name", Link: path}, {Key: "name", Label: "Name", Link: "/contacts/:id"}}, rows, ""),
		))
		if err != nil {
			t.Fatal(err)
		}
		main := html[strings.Index(html, "<main"):]
		for _, attribute := range []string{`href="`, `action="`} {
			for _, rest := range strings.Split(main, attribute)[1:] {
				address, _, _ := strings.Cut(rest, `"`)
				address, _, _ = strings.Cut(address, "?")
				if address != here {
					t.Errorf("%q leads to %q", path, address)
				}
			}
		}
	}
	good, _, err := parse(t, ui.Page("p", ui.Link("link", "/imports/doc_1-a")))
	if err != nil || good.Nodes[0].URL != base+"/imports/doc_1-a" {
		t.Errorf("a page of the plugin leads to %q (%v)", good.Nodes[0].URL, err)
	}
}

func TestAttack46_TextsAreText(t *testing.T) {
	const payload = `<script>alert(1)</script><img src=x onerror=alert(1)>"'`
	_, html, err := parse(t, ui.Page(payload, ui.Text(payload), ui.Empty(payload, payload), ui.Stat(payload, payload), ui.Link(payload, "/x"),
		ui.Section(payload, ui.Table([]ui.Column{{Key: "a", Label: payload, Format: ui.Email}, {Key: "a", Label: payload, Format: ui.Badge}},
			[]json.RawMessage{mustJSON(t, map[string]string{"a": payload})}, payload)),
		ui.Node{Type: payload, Fallback: payload}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"<script>alert", "<img", `onerror=alert(1)>"`} {
		if strings.Contains(html, tag) {
			t.Errorf("%s is in the page", tag)
		}
	}
}

func mustJSON(t *testing.T, v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAttack46_AnAuthorsMarkdownIsCutDown(t *testing.T) {
	html, err := markdown("# Title\n\n<script>alert(1)</script>\n\n<b onclick=x>b</b> [a](javascript:alert(1)) [b](https://example.com) ![i](https://example.com/i.png)\n\n| a |\n|---|\n| <iframe src=x> |\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"script", "onclick", "javascript", "<img", "iframe"} {
		if strings.Contains(html, bad) {
			t.Errorf("%s is left in %s", bad, html)
		}
	}
	for _, good := range []string{"<h3>Title</h3>", `href="https://example.com"`, "<table>"} {
		if !strings.Contains(html, good) {
			t.Errorf("%s is missing in %s", good, html)
		}
	}
}

func TestATreeIsBounded(t *testing.T) {
	deep := ui.Text("bottom")
	for range maxDepth + 1 {
		deep = ui.Section("s", deep)
	}
	wide := make([]ui.Node, maxNodes+1)
	rows := make([]json.RawMessage, maxRows+1)
	for i := range rows {
		rows[i] = json.RawMessage(`{}`)
	}
	for name, page := range map[string]ui.Tree{
		"deep": ui.Page("p", deep), "wide": ui.Page("p", wide...), "long": ui.Page("p", ui.Table(nil, rows, "")),
	} {
		if _, _, err := parse(t, page); core.KindOf(err) != core.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	newer := ui.Page("p")
	newer.Version++
	if _, _, err := parse(t, newer); err == nil {
		t.Error("a tree of a newer vocabulary is shown")
	}
	for _, raw := range []string{``, `[]`, `{}`, `{"type":"text"}`, `{"type":"page","children":7}`} {
		if _, err := parseTree(json.RawMessage(raw), there(nil)); err == nil {
			t.Errorf("%q is a page", raw)
		}
	}
}

func TestAnUnknownComponentShowsItsFallback(t *testing.T) {
	_, html, err := parse(t, ui.Page("p", ui.Node{Type: "hologram", Fallback: "A hologram of your sales."}))
	if err != nil || !strings.Contains(html, "A hologram of your sales.") {
		t.Errorf("%v %s", err, html)
	}
}

// A page is small to send and can be huge to show: every row has a cell for
// every column, and every :id of a column's link is replaced by the row's id.
func TestAttack46_ASmallTreeStaysSmall(t *testing.T) {
	rows := func(n int, row string) []json.RawMessage {
		return slices.Repeat([]json.RawMessage{json.RawMessage(row)}, n)
	}
	wide := ui.Table(make([]ui.Column, 2000), rows(10, `{}`), "")
	if _, _, err := parse(t, ui.Page("wide", wide)); core.KindOf(err) != core.TooLarge {
		t.Errorf("2,000 columns: %v", err)
	}
	tables := slices.Repeat([]ui.Node{ui.Table(make([]ui.Column, 20), rows(500, `{}`), "")}, 3)
	if _, _, err := parse(t, ui.Page("many", tables...)); core.KindOf(err) != core.TooLarge {
		t.Errorf("30,000 cells: %v", err)
	}

	id := strings.Repeat("a", 10_000)
	row := fmt.Sprintf(`{"id":%q,"name":%q}`, id, strings.Repeat("n", 100_000))
	columns := []ui.Column{{Key: "name", Link: strings.Repeat("/:id", 1000)}, {Key: "name", Format: ui.Email}}
	if _, html, err := parse(t, ui.Page("long", ui.Table(columns, rows(10, row), ""))); err != nil || len(html) > 200_000 {
		t.Errorf("%d bytes of HTML, %v", len(html), err)
	}
}

func TestAttack46_MarkdownIsReadInLittleTime(t *testing.T) {
	nested := ui.Markdown(strings.Repeat("[a](", maxMarkdown/4))
	parsed, _, err := parse(t, ui.Page("p", nested, ui.Markdown("a [link](https://example.com)")))
	if err != nil || parsed.Nodes[0].Type != "text" || parsed.Nodes[1].Type != "markdown" {
		t.Errorf("links within links are a %s, %v", parsed.Nodes[0].Type, err)
	}
	much := slices.Repeat([]ui.Node{ui.Markdown(strings.Repeat("> ", maxMarkdown/2))}, maxMarked/maxMarkdown+1)
	if _, _, err := parse(t, ui.Page("p", much...)); core.KindOf(err) != core.TooLarge {
		t.Errorf("much Markdown: %v", err)
	}
}

// Each component has a bound of its own; a page beyond it is refused, and says
// which.
func TestEveryComponentIsBounded(t *testing.T) {
	rows := func(n int) []json.RawMessage {
		return slices.Repeat([]json.RawMessage{json.RawMessage(`{"id":"doc_1","a":"b"}`)}, n)
	}
	column := []ui.Column{{Key: "a", Label: "A"}}
	long := strings.Repeat("x", maxProse)
	inputs := func(n int) (list []ui.Input) {
		for i := range n {
			list = append(list, ui.Input{Name: fmt.Sprintf("a%d", i)})
		}
		return list
	}
	lanes := func(n, cards int) (list []ui.Node) {
		for i := range n {
			list = append(list, ui.Lane(fmt.Sprint(i), "Lane", rows(cards)))
		}
		return list
	}
	tabs := func(n int) ui.Node { return ui.Tabs("", slices.Repeat([]ui.Node{ui.Tab("a", "A")}, n)...) }
	options := func(n int) ui.Input { return ui.Input{Name: "a", Options: make([]ui.Option, n)} }
	form := func(list ...ui.Input) ui.Node { return ui.Form("f", "POST /a", "", list...) }
	for name, c := range map[string]struct {
		good, bad []ui.Node
	}{
		"tabs":    {[]ui.Node{tabs(maxTabs)}, []ui.Node{tabs(maxTabs + 1)}},
		"entries": {[]ui.Node{ui.Timeline(make([]ui.Entry, maxRows), "")}, []ui.Node{ui.Timeline(make([]ui.Entry, maxRows+1), "")}},
		"inputs":  {[]ui.Node{form(inputs(maxInputs)...)}, []ui.Node{form(inputs(maxInputs + 1)...)}},
		"options": {[]ui.Node{form(options(maxOptions))}, []ui.Node{form(options(maxOptions + 1))}},
		"choices": {[]ui.Node{form(options(maxOptions))}, slices.Repeat([]ui.Node{form(options(maxOptions))}, maxCells/maxOptions)},
		"lanes":   {[]ui.Node{ui.Board(column, "", lanes(maxLanes, 1)...)}, []ui.Node{ui.Board(column, "", lanes(maxLanes+1, 1)...)}},
		"cards":   {[]ui.Node{ui.Board(column, "", lanes(5, 100)...)}, []ui.Node{ui.Board(column, "", lanes(6, 100)...)}},
		"moves":   {[]ui.Node{ui.Board(column, "POST /m", lanes(12, 41)...)}, slices.Repeat([]ui.Node{ui.Board(column, "POST /m", lanes(12, 41)...)}, 3)},
		"buttons": {[]ui.Node{ui.Table(column, rows(1), "").Each(slices.Repeat([]ui.Node{ui.Button("b", "POST /b")}, maxButtons)...)},
			[]ui.Node{ui.Table(column, rows(1), "").Each(slices.Repeat([]ui.Node{ui.Button("b", "POST /b")}, maxButtons+1)...)}},
		"labels": {[]ui.Node{ui.Bars("c", make([]string, maxLabels), ui.Series{})}, []ui.Node{ui.Bars("c", make([]string, maxLabels+1), ui.Series{})}},
		"series": {[]ui.Node{ui.Lines("c", []string{"a"}, make([]ui.Series, maxSeries)...)},
			[]ui.Node{ui.Lines("c", []string{"a"}, make([]ui.Series, maxSeries+1)...)}},
		"figures": {[]ui.Node{ui.Bars("c", []string{"a"}, ui.Series{Values: []float64{maxFigure}})},
			[]ui.Node{ui.Bars("c", []string{"a"}, ui.Series{Values: []float64{-2 * maxFigure}})}},
		"bytes": {slices.Repeat([]ui.Node{ui.Text(long)}, 60), slices.Repeat([]ui.Node{ui.Text(long)}, 70)},
	} {
		if _, _, err := parse(t, ui.Page("p", c.good...)); err != nil {
			t.Errorf("%s: what is within the bound is refused: %v", name, err)
		}
		if _, _, err := parse(t, ui.Page("p", c.bad...)); core.KindOf(err) != core.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A page's own query is in all its links: a long one is not carried on.
	at := there(map[string]string{"q": strings.Repeat("q", 2000)})
	sorted := ui.Table(slices.Repeat([]ui.Column{{Key: "a", Sort: "a"}}, 32), rows(1), "c")
	if _, html, err := parseAt(t, ui.Page("p", sorted), at); err != nil || len(html) > 20_000 {
		t.Errorf("%d bytes, %v", len(html), err)
	}
}
