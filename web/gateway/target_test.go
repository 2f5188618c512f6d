package gateway

import (
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/carrel-dev/carrel/core"
)

func TestTargets(t *testing.T) {
	for raw, want := range map[string]target{
		"/w/acme/crm/":                      {"acme", "crm", "/"},
		"/w/acme/crm/contacts":              {"acme", "crm", "/contacts"},
		"/w/acme/crm/contacts/":             {"acme", "crm", "/contacts/"},
		"/w/acme/crm/a%20b/c%3Fd":           {"acme", "crm", "/a b/c?d"},
		"/w/acme/crm/%25%32%65":             {"acme", "crm", "/%2e"}, // decoded once
		"/w/ws_1/crm/caf%C3%A9/...":         {"ws_1", "crm", "/café/..."},
		"/w/acme/crm/contacts/a;b=c,d@e:f+": {"acme", "crm", "/contacts/a;b=c,d@e:f+"},
	} {
		if got, err := parseTarget(raw); err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for raw, kind := range map[string]core.Kind{
		"/w/acme/crm":               core.NotFound,
		"/w/acme/crm/-":             core.NotFound,
		"/w/acme/crm/-/files/x":     core.NotFound,
		"/w/acme/crm/%2d/files/x":   core.NotFound,
		"/w/acme//contacts":         core.Invalid,
		"/w//crm/contacts":          core.Invalid,
		"/w/acme/crm/a//b":          core.Invalid,
		"/w/acme/crm/../shop/x":     core.Invalid,
		"/w/acme/crm/%2E%2e/shop/x": core.Invalid,
		"/w/acme/crm/a%2fb":         core.Invalid,
		"/w/acme/crm/a%5Cb":         core.Invalid,
		"/w/acme/crm/a%0d%0ab":      core.Invalid,
		"/w/acme/crm/a%00":          core.Invalid,
		"/w/acme/crm/%c0%ae":        core.Invalid,
		"/w/acme/crm/%zz":           core.Invalid,
		"/api/v1/me":                core.Invalid,
	} {
		if got, err := parseTarget(raw); core.KindOf(err) != kind {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
}

// FuzzAttack48_Target: a target is what was sent, decoded exactly once, and
// holds nothing that another program would resolve differently.
func FuzzAttack48_Target(f *testing.F) {
	for _, seed := range []string{
		"/w/acme/crm/../../etc/passwd", "/w/acme/crm/..%2f..%2fx", "/w/acme/crm/%252e%252e%252fx", "/w/acme/crm/..%5c..%5cx",
		"/w/acme/crm/a%00b", "/w/acme/crm/%c0%ae%c0%ae/x", "/w//evil.example/x", "/w/acme/crm/%", "/w/acme/crm/caf%C3%A9",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		to, err := parseTarget(raw)
		if err != nil {
			if kind := core.KindOf(err); kind != core.Invalid && kind != core.NotFound {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		whole := Prefix + to.workspace + "/" + to.alias + to.path
		if decoded, err := url.PathUnescape(raw); err != nil || decoded != whole {
			t.Fatalf("%q became %q", raw, whole)
		}
		if strings.Count(raw, "/") != strings.Count(whole, "/") || strings.Contains(whole, "//") || strings.Contains(whole, `\`) || strings.ContainsFunc(whole, unicode.IsControl) {
			t.Fatalf("%q became %q", raw, whole)
		}
		for segment := range strings.SplitSeq(whole, "/") {
			if segment == "." || segment == ".." {
				t.Fatalf("%q became %q", raw, whole)
			}
		}
	})
}
