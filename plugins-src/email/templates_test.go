package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The templates of a new installation are valid, and their samples have a value
// for each of their variables.
func TestFirstTemplates(t *testing.T) {
	for _, one := range firstTemplates {
		if err := one.check(); err != nil {
			t.Errorf("%s: %v", one.Key, err)
		}
		d, err := one.preview(nil)
		if err != nil || len(d.Unknown) != 0 || d.Subject == "" || d.HTML == "" || d.Text == "" {
			t.Errorf("%s: %+v, %v", one.Key, d, err)
		}
		if len(one.Sample) == 0 {
			t.Errorf("%s has no sample", one.Key)
		}
	}
}

func TestRenderATemplate(t *testing.T) {
	one := Template{Subject: "Hi {{name}}\r\nBcc: x@example.com", HTML: "<p>{{name}} {{n}} {{gone}}</p>", Text: "{{name}} {{also.gone}} {{gone}}"}
	d, err := one.render(readObject(json.RawMessage(`{"name":"<Ada>\r\nCc: y@example.com","n":10000000000000001}`)))
	if err != nil {
		t.Fatal(err)
	}
	if d.Subject != "Hi <Ada> Cc: y@example.com Bcc: x@example.com" {
		t.Errorf("subject %q", d.Subject)
	}
	if d.HTML != "<p>&lt;Ada&gt;\r\nCc: y@example.com 10000000000000001 </p>" || !strings.HasPrefix(d.Text, "<Ada>") {
		t.Errorf("html %q, text %q", d.HTML, d.Text)
	}
	if !slices.Equal(d.Unknown, []string{"gone", "also.gone"}) {
		t.Errorf("unknown %q", d.Unknown)
	}
	long, err := Template{Subject: strings.Repeat("é", 400)}.render(nil)
	if err != nil || len([]rune(long.Subject)) != maxSubject {
		t.Errorf("a long subject has %d characters, %v", len([]rune(long.Subject)), err)
	}
}

func TestTemplatesAreChecked(t *testing.T) {
	good := Template{Key: "order-paid-2", Subject: "s", Text: "t"}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Template){
		"no text":             func(t *Template) { t.Text = "" },
		"an open tag":         func(t *Template) { t.Subject = "{{name" },
		"an open section":     func(t *Template) { t.HTML = "{{#items}}" },
		"capitals":            func(t *Template) { t.Key = "Order" },
		"a dash at its end":   func(t *Template) { t.Key = "order-" },
		"two dashes":          func(t *Template) { t.Key = "order--paid" },
		"letters with accent": func(t *Template) { t.Key = "ordré" },
	} {
		bad := good
		spoil(&bad)
		if bad.check() == nil {
			t.Errorf("%s is no violation", name)
		}
	}
}

func TestFooter(t *testing.T) {
	m := Message{HTML: "<p>a</p>", Text: "a", UnsubscribeURL: "https://example.com/u/x?a=1&b=2"}
	m.addFooter(Template{})
	if !strings.Contains(m.HTML, `href="https://example.com/u/x?a=1&amp;b=2"`) || !strings.Contains(m.Text, m.UnsubscribeURL) {
		t.Errorf("%q %q", m.HTML, m.Text)
	}
	own := Message{HTML: "<p>a</p>", UnsubscribeURL: "https://example.com/u/x"}
	own.addFooter(Template{HTML: "{{unsubscribeUrl}}"})
	if own.HTML != "<p>a</p>" || own.Text != "" {
		t.Errorf("a footer of its own gets another: %q %q", own.HTML, own.Text)
	}
}
