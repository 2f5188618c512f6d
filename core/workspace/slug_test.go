package workspace

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
)

func TestSlugOfAnyName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z0-9 -]{0,60}`), rapid.SampledFrom([]string{"api", "w", "new"})).Draw(t, "name")
		if slug := slugOf(name); !core.ValidSlug(slug) {
			t.Fatalf("%q makes the slug %q", name, slug)
		}
	})
}
