package workspace

import (
	"regexp"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// localePattern is a language, script and region: what BCP 47 tags of people
// look like, without its extensions.
var localePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$`)

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slugOf makes a valid slug of a name, whatever it holds.
func slugOf(name string) string {
	slug := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-0123456789")
	slug = strings.TrimRight(slug[:min(len(slug), 39)], "-")
	if !core.ValidSlug(slug) {
		slug = strings.TrimRight(("workspace-" + slug)[:min(len("workspace-")+len(slug), 39)], "-")
	}
	return slug
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func titles(plans []core.Plan) string {
	list := make([]string, len(plans))
	for i, p := range plans {
		list[i] = p.Title
	}
	return strings.Join(list, ", ")
}
