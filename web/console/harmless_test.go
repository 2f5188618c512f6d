package console

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// What a plugin's page may be made of. Anything else, however it got there, is
// an attack that worked.
var (
	elements = strings.Fields(`a b br blockquote button caption circle code dd del details div dl dt em fieldset figcaption figure form
		h1 h2 h3 h4 h5 h6 hr input label legend li line main nav ol option p path polyline pre rect script section select small span strong
		summary svg table tbody td text textarea th thead time title tr ul`)
	attributes = strings.Fields(`accept action aria-current aria-describedby aria-hidden aria-invalid aria-label aria-labelledby aria-sort
		autocomplete autofocus checked class cx cy d data-lane data-live data-live-on data-move datetime defer draggable dy enctype focusable for form height href
		hx-get hx-select hx-swap hx-trigger id inputmode maxlength method name points r rel required role rows rx scope selected size src
		tabindex text-anchor title type value viewbox viewBox width x x1 x2 y y1 y2`)
	ownClasses = strings.Fields(`across actions ask bad board button card cards chart check confirm danger empty fact facts field filters good heading
		icon info item lane lead legend line lines money moves nothing notice number off optional pager plain prose quiet row end s1 s2 s3 s4 s5 s6
		scroll small sort stat stats tabs tag timeline unseen wait what wrong`)
	types = strings.Fields("hidden text email date datetime-local checkbox file submit")
)

// harm finds what a page may not hold.
func harm(page string) (found []string) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}
	}
	bad := func(what ...string) { found = append(found, strings.Join(what, " ")) }
	var walk func(n *html.Node, main bool)
	walk = func(n *html.Node, main bool) {
		main = main || n.Data == "main"
		if n.Type == html.CommentNode && main {
			bad("comment")
		}
		if n.Type == html.ElementNode && main {
			if !slices.Contains(elements, n.Data) {
				bad("element", n.Data)
			}
			if n.Data == "script" && (len(n.Attr) == 0 || n.FirstChild != nil) {
				bad("script")
			}
			for _, a := range n.Attr {
				switch {
				case !slices.Contains(attributes, a.Key):
					bad("attribute", n.Data, a.Key)
				case a.Key == "src" && a.Val != "/console/static/tree.js":
					bad("src", a.Val)
				case a.Key == "data-live" && a.Val != frame{}.stream():
					bad("data-live", a.Val)
				case a.Key == "href" || a.Key == "action" || a.Key == "hx-get":
					if !leadsNowhereElse(a.Key, a.Val) {
						bad(a.Key, a.Val)
					}
				case a.Key == "class" && slices.ContainsFunc(strings.Fields(a.Val), func(c string) bool { return !slices.Contains(ownClasses, c) }):
					bad("class", a.Val)
				case a.Key == "type" && n.Data == "input" && !slices.Contains(types, a.Val):
					bad("type", a.Val)
				case a.Key == "id" && a.Val != "tree" && a.Val != "calls" && a.Val != "main" && !strings.HasPrefix(a.Val, "form-"):
					bad("id", a.Val)
				case a.Key == "name" && a.Val != "-call" && a.Val != "-once" && !inputPattern.MatchString(strings.TrimSuffix(a.Val, ".currency")):
					bad("name", a.Val)
				}
			}
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child, main)
		}
	}
	walk(root, false)
	return found
}

// leadsNowhereElse reports whether an address is the plugin's, or one that a
// person may follow out of a text.
func leadsNowhereElse(attribute, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	switch {
	case u.Scheme == "mailto" || u.Scheme == "https":
		return attribute == "href"
	case u.Scheme != "" || u.Host != "":
		return false
	case strings.HasPrefix(address, "#form-"):
		return attribute == "href"
	}
	rest, ok := strings.CutPrefix(u.Path, base)
	return ok && isPluginPath(rest) && u.EscapedPath() == u.Path
}

// payloads are what a plugin would like to be more than text.
var payloads = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`,
	`</title></textarea></select></svg><svg onload=alert(1)>`,
	`--><iframe src=//evil.example.com>`, `]]><style>*{display:none}</style>`, `{"method":"POST","path":"/../plan"}`,
	`:id`, "a\x00b\u202e", `-call`, `//evil.example.com/x`, `/../../plan`,
}

// poison puts a payload into every text of a tree, whatever it is for, but keeps
// the types, so that each component is still what it is.
func poison(value any, payload, key string) any {
	switch v := value.(type) {
	case map[string]any:
		poisoned := map[string]any{}
		for k, one := range v {
			poisoned[k] = poison(one, payload, k)
		}
		return poisoned
	case []any:
		poisoned := make([]any, len(v))
		for i, one := range v {
			poisoned[i] = poison(one, payload, key)
		}
		return poisoned
	case string:
		if key == "type" || key == "kind" || key == "format" || key == "tone" && payload == ":id" {
			return v
		}
		if key == "time" {
			return v // a time that is none is no page
		}
		return payload
	default:
		return v
	}
}

// TestAttack46_EveryMemberOfEveryComponent poisons the page of the golden, all
// its texts at once and then one kind of member after the other, so that no
// refusal of one hides what another would do.
func TestAttack46_EveryMemberOfEveryComponent(t *testing.T) {
	var page map[string]any
	if err := json.Unmarshal(everything(t), &page); err != nil {
		t.Fatal(err)
	}
	shown := 0
	check := func(what string, tree any) {
		raw, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parseTree(raw, there(map[string]string{"tab": payloads[0], "x": payloads[1]}))
		if err != nil {
			if core.KindOf(err) != core.TooLarge && core.KindOf(err) != core.Internal {
				t.Errorf("%s: %v", what, err)
			}
			return
		}
		shown++
		var out strings.Builder
		if err := treePage(frame{}, parsed).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		for _, h := range harm(out.String()) {
			t.Errorf("%s: %s", what, h)
		}
	}
	members := memberNames(page, map[string]bool{})
	for _, payload := range payloads {
		check("everywhere: "+payload, poison(page, payload, ""))
		for member := range members {
			check(member+": "+payload, only(page, payload, member))
		}
	}
	if shown < 300 {
		t.Errorf("only %d pages were shown: the others were refused", shown)
	}
	t.Logf("%d pages shown, of %d members", shown, len(members))
}

// only poisons the members of one name.
func only(value any, payload, member string) any {
	switch v := value.(type) {
	case map[string]any:
		poisoned := map[string]any{}
		for k, one := range v {
			if k == member && k != "time" {
				poisoned[k] = poison(one, payload, "")
				continue
			}
			poisoned[k] = only(one, payload, member)
		}
		return poisoned
	case []any:
		poisoned := make([]any, len(v))
		for i, one := range v {
			poisoned[i] = only(one, payload, member)
		}
		return poisoned
	default:
		return v
	}
}

func memberNames(value any, names map[string]bool) map[string]bool {
	switch v := value.(type) {
	case map[string]any:
		for k, one := range v {
			if k != "type" && k != "version" {
				names[k] = true
			}
			memberNames(one, names)
		}
	case []any:
		for _, one := range v {
			memberNames(one, names)
		}
	}
	return names
}

// FuzzParseTree: whatever a handler answers is a page without harm, of a bounded
// size, or an error.
func FuzzParseTree(f *testing.F) {
	f.Add([]byte(everything(f)), "", "")
	for _, payload := range payloads {
		f.Add([]byte(everything(f)), payload, payload)
		for _, kind := range []string{"text", "markdown", "empty", "badge", "link", "form", "button", "board", "chart", "tabs"} {
			raw, err := json.Marshal(ui.Page(payload, ui.Node{
				Type: kind, Name: payload, Title: payload, Text: payload, Path: payload, Route: "POST " + payload, Kind: "bar", Labels: []string{payload},
				Series: []ui.Series{{Name: payload, Values: []float64{-1e300, 1}}},
				Inputs: []ui.Input{{Name: "a", Label: payload, Value: payload}}, Children: []ui.Node{{Type: payload}},
			}))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw, "x", payload)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, name, value string) {
		parsed, err := parseTree(raw, there(map[string]string{name: value, "sort": value}))
		if err != nil {
			return
		}
		var out strings.Builder
		if err := treePage(frame{}, parsed).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 16*maxBytes {
			t.Errorf("a tree of %d bytes makes %d", len(raw), out.Len())
		}
		if found := harm(out.String()); len(found) > 0 {
			t.Errorf("%s: %s", found, raw)
		}
	})
}

// The test of the tests: what would be harm is found.
func TestHarmIsFound(t *testing.T) {
	for _, bad := range []string{
		`<script>x</script>`, `<script src="//evil"></script>`, `<img>`, `<p onclick="x">`, `<p style="x">`,
		`<a href="javascript:x">`, `<a href="//evil/">`,
		`<a href="/console/w/acme/plan">`, `<a href="/console/w/acme/p/crm/../../plan">`, `<a href="/console/w/acme/p/crm/%2e%2e/plan">`,
		`<form action="https://evil/">`, `<p class="evil">`, `<p id="evil">`, `<input name="-evil">`,
		`<!-- x -->`, `<svg><foreignObject></foreignObject></svg>`,
	} {
		if len(harm("<main>"+bad+"</main>")) == 0 {
			t.Errorf("%s passes", bad)
		}
	}
}
