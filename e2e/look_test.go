package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// look is how a page is looked at.
type look struct {
	width  int64
	scheme string // light or dark
}

// looks are the ways every page has to be fit for.
var looks = []look{{1200, "light"}, {1200, "dark"}, {360, "light"}, {360, "dark"}}

func (l look) String() string { return fmt.Sprintf("%d-%s", l.width, l.scheme) }

// as makes the browser's window and colours those of a look.
func (b *browser) as(l look) {
	b.Helper()
	run(b, chromedp.EmulateViewport(l.width, 900))
	run(b, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: l.scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // a color on its way to another is neither
			},
		})
		return err
	}))
}

// axe is the source of axe-core, which go tool task test:needs installs.
// Without it the test is skipped on a laptop, and fails in CI.
func axe(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("../build/axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("axe-core is not installed, and this is CI: ", err)
		}
		t.Skip("axe-core is not installed: go tool task test:needs")
	}
	return string(source)
}

// accessible fails for each serious or critical violation axe finds in the page
// as it is now. Evaluating it from outside, the page's own policy holds.
func (b *browser) accessible(source string) {
	b.Helper()
	run(b, chromedp.Evaluate[bool](source+"; true"))
	found := run(b, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(
		r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => ({rule: v.id, help: v.help,
			nodes: v.nodes.map(n => n.html.slice(0, 200) + " " + (n.any[0]?.message ?? ""))}))))`, chromedp.EvalAwaitPromise))
	var violations []struct {
		Rule, Help string
		Nodes      []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.Fatalf("axe answered %.200s: %v", found, err)
	}
	for _, v := range violations {
		b.Errorf("%s: %s\n\t%s", v.Rule, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}

// fits fails when the page is wider than its window.
func (b *browser) fits() {
	b.Helper()
	wide := run(b, chromedp.Evaluate[string](`(() => {
		const root = document.documentElement;
		if (root.scrollWidth <= root.clientWidth) return "";
		const inside = e => { for (let p = e.parentElement; p; p = p.parentElement) if (getComputedStyle(p).overflowX !== "visible") return true; return false; };
		const out = [...document.querySelectorAll("body *")].find(e => e.getBoundingClientRect().right > root.clientWidth + 1 && !inside(e));
		return root.scrollWidth + " > " + root.clientWidth + ": " + (out ? out.outerHTML.slice(0, 200) : "");
	})()`))
	if wide != "" {
		b.Errorf("the page is wider than its window: %s", wide)
	}
}

// screenshots is where the walk leaves a picture of each page.
const screenshots = "../build/screenshots"

// keep writes a picture of the whole page.
func (b *browser) keep(name string) {
	b.Helper()
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screenshots, name+".png"), run(b, chromedp.FullScreenshot(100)), 0o644); err != nil {
		b.Fatal(err)
	}
}
