package console

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core/abi"
)

// TestAuthorsReadWhichIconsThereAre compares the list in the authors' guide with
// what there is.
func TestAuthorsReadWhichIconsThereAre(t *testing.T) {
	guide, err := os.ReadFile("../../docs/authors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(guide), "**Icons** of pages and of entries:")
	list, _, _ = strings.Cut(list, ".")
	var listed []string
	for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(list, -1) {
		listed = append(listed, name[1])
	}
	if there := slices.Sorted(maps.Keys(icons)); !slices.Equal(listed, there) {
		t.Errorf("docs/authors.md lists\n%v\nand there are\n%v", listed, there)
	}
}

// TestOurPluginsNameIconsThereAre reads the manifests of the marketplace's
// plugins.
func TestOurPluginsNameIconsThereAre(t *testing.T) {
	files, err := filepath.Glob("../../plugins-src/*/testdata/manifest.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var m abi.Manifest
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, p := range m.Pages {
			if p.Nav && icons[p.Icon] == "" {
				t.Errorf("%s: the page %s has no icon, or one there is not: %q", file, p.Path, p.Icon)
			}
		}
	}
}

// TestTheNavigationDrawsIcons: an icon's lines, for a name that has none a dot, and
// nothing of the name itself.
func TestTheNavigationDrawsIcons(t *testing.T) {
	f := frame{Nav: []navGroup{{Links: []navLink{
		{Title: "Contacts", Icon: "users", URL: "/a"}, {Title: "New", Icon: `"><script>`, URL: "/b"}, {Title: "Old", URL: "/c"},
	}}}}
	var html strings.Builder
	if err := page(f).Render(t.Context(), &html); err != nil {
		t.Fatal(err)
	}
	_, nav, _ := strings.Cut(html.String(), "<nav")
	nav, _, _ = strings.Cut(nav, "</nav>")
	var drawn []string
	for _, d := range regexp.MustCompile(`<path d="([^"]+)">`).FindAllStringSubmatch(nav, -1) {
		drawn = append(drawn, d[1])
	}
	if want := []string{icons["users"], dot, dot}; !slices.Equal(drawn, want) || strings.Contains(nav, "script") {
		t.Errorf("drawn: %q, want %q, in %s", drawn, want, nav)
	}
}
