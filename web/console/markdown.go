package console

import (
	"bytes"
	"html"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/carrel-dev/carrel/core"
)

var (
	converter = goldmark.New(goldmark.WithExtensions(extension.GFM))
	// clean lets text structure through, and links that open nothing but web
	// pages; no image, because it would tell another server who reads.
	clean = func() *bluemonday.Policy {
		p := bluemonday.NewPolicy()
		p.AllowElements("p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "em", "strong", "code", "pre", "blockquote",
			"table", "thead", "tbody", "tr", "th", "td", "hr", "br", "del")
		p.AllowAttrs("href").OnElements("a")
		p.AllowURLSchemes("https", "mailto")
		p.RequireNoFollowOnLinks(true)
		p.RequireNoReferrerOnLinks(true)
		return p
	}()
)

// maxOpeners is how many characters a text may have that open a link or a
// quotation: goldmark takes time by the square of those within each other.
const maxOpeners = 2000

// markdown renders an author's page. The author is not trusted: whatever HTML
// the text holds or becomes is cut down to harmless elements, and what would
// take long is shown as it was written.
func markdown(text string) (string, error) {
	if strings.Count(text, "[")+strings.Count(text, ">") > maxOpeners {
		return `<pre tabindex="0">` + html.EscapeString(text) + "</pre>", nil
	}
	var out bytes.Buffer
	if err := converter.Convert([]byte(text), &out); err != nil {
		return "", core.Wrap("console.markdown", core.Internal, err)
	}
	return fitted.Replace(clean.SanitizeReader(&out).String()), nil
}

// fitted puts the author's headings below those of the page they are shown in,
// and lets a keyboard scroll what is too wide. What was sanitised has elements of
// these names without attributes, and no text that looks like one.
var fitted = strings.NewReplacer(
	"<h1>", "<h3>", "</h1>", "</h3>", "<h2>", "<h3>", "</h2>", "</h3>", "<h3>", "<h4>", "</h3>", "</h4>",
	"<pre>", `<pre tabindex="0">`, "<table>", `<div class="scroll" tabindex="0"><table>`, "</table>", "</table></div>",
)
