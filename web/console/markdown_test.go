package console

import (
	"strings"
	"testing"
)

// What would take goldmark long is shown as it was written.
func TestMarkdownOfManyOpeners(t *testing.T) {
	for _, text := range []string{strings.Repeat("[a](", 25_000), strings.Repeat("> ", 50_000)} {
		html, err := markdown("<b>" + text)
		if err != nil || !strings.HasPrefix(html, `<pre tabindex="0">&lt;b&gt;`) {
			t.Errorf("%.40s, %v", html, err)
		}
	}
	if html, err := markdown("a [link](https://example.com)"); err != nil || !strings.Contains(html, "<a ") {
		t.Errorf("%s, %v", html, err)
	}
}
