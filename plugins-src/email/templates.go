package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/plugins-src/email/mustache"
	"github.com/carrel-dev/carrel/sdk"
)

// The categories of templates.
const (
	transactional = "transactional" // somebody did something and waits for it
	marketing     = "marketing"     // everybody can have less of it
)

// Template is what mails are made of.
type Template struct {
	Key      string         `json:"key" carrel:"required,unique,max=60,doc=Name for machines: lower-case letters, digits and dashes"`
	Subject  string         `json:"subject" carrel:"required,max=300,doc=Subject; {{variables}} are filled in"`
	HTML     string         `json:"html" carrel:"text,max=100000,doc=The mail as HTML; values are escaped"`
	Text     string         `json:"text" carrel:"text,max=100000,doc=The mail as plain text"`
	Category string         `json:"category" carrel:"index,enum=transactional|marketing,default=transactional,doc=Marketing can be unsubscribed from, and says how"`
	Sample   map[string]any `json:"sample" carrel:"doc=Values for a preview"`
}

var templates = sdk.Table[Template]("templates", "What mails are made of")

// draft is a template with values put in.
type draft struct {
	Subject string   `json:"subject"`
	HTML    string   `json:"html"`
	Text    string   `json:"text"`
	Unknown []string `json:"unknown" carrel:"doc=Variables that have no value, or one that is no text"`
}

// render fills a template in. It fails with a sentence for people.
func (t Template) render(values map[string]any) (d draft, err error) {
	for _, part := range []struct {
		source string
		to     *string
		escape mustache.Escape
	}{
		{t.Subject, &d.Subject, mustache.Line}, {t.HTML, &d.HTML, mustache.HTML}, {t.Text, &d.Text, mustache.Plain},
	} {
		parsed, err := mustache.Parse(part.source)
		if err != nil {
			return d, err
		}
		rendered, unknown, err := parsed.Render(values, part.escape)
		if err != nil {
			return d, err
		}
		*part.to = rendered
		for _, name := range unknown {
			if !slices.Contains(d.Unknown, name) {
				d.Unknown = append(d.Unknown, name)
			}
		}
	}
	if d.Subject = cut(mustache.Line(d.Subject), maxSubject); d.Subject == "" {
		d.Subject = "(no subject)" // a mail has to have one
	}
	return d, nil
}

// check refuses what the schema cannot: a text that isn't understood, and a mail
// without any.
func (t Template) check() error {
	for _, part := range []struct{ name, source string }{{"subject", t.Subject}, {"html", t.HTML}, {"text", t.Text}} {
		if _, err := mustache.Parse(part.source); err != nil {
			return sdk.Violation("body."+part.name, "%s", err)
		}
	}
	switch {
	case !isKey(t.Key):
		return sdk.Violation("body.key", "must be lower-case letters, digits and dashes, such as order-paid")
	case t.HTML == "" && t.Text == "":
		return sdk.Violation("body.text", "is missing, and html too; a mail has at least one of them")
	}
	return nil
}

// isKey reports whether a name is lower-case letters, digits and single dashes
// between them. (The module has no regular expressions: they are a tenth of it.)
func isKey(name string) bool {
	for part := range strings.SplitSeq(name, "-") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
			return false
		}
	}
	return true
}

func createTemplate(c *sdk.Ctx, in Template) (doc sdk.RawDoc[Template], err error) {
	if err := in.check(); err != nil {
		return doc, err
	}
	return templates.Create(c, in)
}

func changeTemplate(c *sdk.Ctx, changes sdk.Partial[Template]) (changed sdk.RawDoc[Template], err error) {
	if changed, err = templates.Change(c, changes); err != nil {
		return changed, err
	}
	doc, err := changed.Doc()
	if err == nil {
		err = doc.Body.check() // what is refused here is undone with the unit
	}
	return changed, err
}

type previewRequest struct {
	Values map[string]any `json:"values" carrel:"doc=Values of the variables; the template's sample without any"`
}

func previewTemplate(c *sdk.Ctx, in previewRequest) (draft, error) {
	doc, err := templates.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return draft{}, err
	}
	return doc.Body.preview(in.Values)
}

// preview renders with values, or the sample.
func (t Template) preview(values map[string]any) (draft, error) {
	if values == nil {
		values = t.Sample
	}
	d, err := t.render(exact(values))
	if err != nil {
		return d, sdk.Invalid("The template can't be rendered: %s.", err)
	}
	d.Unknown = slices.DeleteFunc(d.Unknown, func(name string) bool { return name == "unsubscribeUrl" }) // the plugin's own
	return d, nil
}

type testRequest struct {
	To     string         `json:"to" carrel:"email,required,max=254,doc=Where to send it"`
	Values map[string]any `json:"values" carrel:"doc=Values of the variables; the template's sample without any"`
}

func testTemplate(c *sdk.Ctx, in testRequest) (sdk.RawDoc[Message], error) {
	doc, err := templates.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return sdk.RawDoc[Message]{}, err
	}
	values := in.Values
	if values == nil {
		values = doc.Body.Sample
	}
	one := letter{to: normalizeEmail(in.To), template: doc.Body, values: exact(values)}
	one.template.Category = transactional // who asks for a test gets one
	c.SetStatus(202)
	return one.queue(c, 0)
}

// exact is an object with its numbers as they were written, not as float64.
func exact(values map[string]any) map[string]any {
	encoded, err := json.Marshal(values)
	if err != nil {
		return nil
	}
	return readObject(encoded)
}

// readObject decodes an object for templates and filters; nil if it is none.
func readObject(data json.RawMessage) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var values map[string]any
	if decoder.Decode(&values) != nil {
		return nil
	}
	return values
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
