package main

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The picture: a panel for each of these calls of the guest in Go.
var panels = []struct{ call, title string }{
	{"json", "JSON in, JSON out: one call of a plugin in plain Go"},
	{"echo10k", "10 KB in, 10 KB out"},
}

// bars are the ways in the picture, by the name people know them by.
var bars = map[string]struct {
	name  string
	fresh bool // the memory is one that no call has used before
}{
	"carrel-pristine":  {"Carrel", true},
	"carrel-new":       {"Carrel, a new instance each", true},
	"extism-fresh":     {"Extism, a new instance each", true},
	"extism-reused":    {"Extism, reused", false},
	"wasmtime-fresh":   {"wasmtime, a new instance each", true},
	"wasmtime-preinit": {"wasmtime, pre-initialised", true},
	"wazero-fresh":     {"wazero, a new instance each", true},
	"wazero-reused":    {"wazero, reused", false},
	"wazero-ctx":       {"wazero, reused, stoppable", false},
}

const style = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.faint { fill: #656d76; font-size: 11px }
.grid { stroke: #d0d7de }
.peer { fill: #8c959f; stroke: #8c959f }
.ours { fill: #0969da; stroke: #0969da }
.used { fill-opacity: .15 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .faint { fill: #8d96a0 }
  .grid { stroke: #30363d }
  .peer { fill: #6e7681; stroke: #6e7681 }
  .ours { fill: #4493f8; stroke: #4493f8 }
}
`

// Sizes in pixels.
const (
	pictureWidth = 760
	labelWidth   = 225
	valueWidth   = 70
	barHeight    = 22
	panelHead    = 34
	panelFoot    = 34
)

// picture draws the medians as bars on a logarithmic scale, in SVG.
func picture(rows []row) []byte {
	var body bytes.Buffer
	y := 0
	for _, p := range panels {
		var chosen []row
		for _, r := range rows {
			if _, drawn := bars[r.Impl]; drawn && r.Guest == "go" && r.Call == p.call {
				chosen = append(chosen, r)
			}
		}
		if len(chosen) > 0 {
			slices.SortFunc(chosen, func(a, b row) int { return cmp.Compare(a.MedianNS, b.MedianNS) })
			y += panel(&body, y, p.title, chosen)
		}
	}
	fmt.Fprintf(&body, `<text class="faint" x="0" y="%d">Medians, shorter is better, logarithmic. Filled: a memory no call has used before. Pale: the memory the call before left.</text>`+"\n", y+14)
	y += 22
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n",
		pictureWidth, y, pictureWidth, y, html.EscapeString(inWords(rows)))
	fmt.Fprintf(&out, "<style>%s</style>\n", style)
	out.Write(body.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// panel draws one call at y, and returns how high it is.
func panel(out *bytes.Buffer, y int, title string, rows []row) int {
	// Whole decades around the times.
	low := math.Floor(math.Log10(float64(rows[0].MedianNS)))
	high := math.Ceil(math.Log10(float64(rows[len(rows)-1].MedianNS)))
	const width = pictureWidth - labelWidth - valueWidth
	at := func(ns float64) float64 { return width * (math.Log10(ns) - low) / max(1, high-low) }

	fmt.Fprintf(out, `<text class="title" x="0" y="%d">%s</text>`+"\n", y+18, html.EscapeString(title))
	top, bottom := y+panelHead, y+panelHead+len(rows)*barHeight
	for decade := low; decade <= high; decade++ {
		x := labelWidth + at(math.Pow(10, decade))
		fmt.Fprintf(out, `<line class="grid" x1="%.0f" y1="%d" x2="%.0f" y2="%d"/>`, x, top-4, x, bottom+2)
		fmt.Fprintf(out, `<text class="faint" x="%.0f" y="%d" text-anchor="middle">%s</text>`+"\n", x, bottom+15, round(math.Pow(10, decade)))
	}
	for i, r := range rows {
		b := bars[r.Impl]
		class := "peer"
		if strings.HasPrefix(r.Impl, "carrel") {
			class = "ours"
		}
		if !b.fresh {
			class += " used"
		}
		line, length := top+i*barHeight, max(2, at(float64(r.MedianNS)))
		fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, line+15, html.EscapeString(b.name))
		fmt.Fprintf(out, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/>`, class, labelWidth, line+3, length, barHeight-6)
		fmt.Fprintf(out, `<text x="%.0f" y="%d">%s</text>`+"\n", labelWidth+length+6, line+15, short(r.MedianNS))
	}
	return panelHead + len(rows)*barHeight + panelFoot
}

// round writes a power of ten as a time.
func round(ns float64) string {
	units := []string{"ns", "µs", "ms", "s"}
	for len(units) > 1 && ns >= 1000 {
		ns, units = ns/1000, units[1:]
	}
	return fmt.Sprintf("%.0f %s", ns, units[0])
}

// inWords says what the picture shows, for those who can't see it.
func inWords(rows []row) string {
	var parts []string
	for _, p := range panels {
		for _, r := range rows {
			if b, drawn := bars[r.Impl]; drawn && r.Guest == "go" && r.Call == p.call {
				parts = append(parts, fmt.Sprintf("%s, %s: %s", p.call, b.name, short(r.MedianNS)))
			}
		}
	}
	return "Times of calls. " + strings.Join(parts, "; ") + "."
}
