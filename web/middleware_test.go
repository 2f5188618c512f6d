package web

import (
	"strings"
	"testing"
)

// A link that unsubscribes somebody is not in the log of who could read it.
func TestAttack51_TokensInPathsAreNotLogged(t *testing.T) {
	token := strings.Repeat("aB3_", 16)
	for path, want := range map[string]string{
		"/w/acme/email/u/" + token:                                      "/w/acme/email/u/…",
		"/w/acme/email/u/" + token + "/x":                               "/w/acme/email/u/…/x",
		"/w/acme/crm/contacts/doc_01934f5c-7b1a-7c3e-8a2b-0123456789ab": "/w/acme/crm/contacts/doc_01934f5c-7b1a-7c3e-8a2b-0123456789ab",
		"/":                              "/",
		"/" + strings.Repeat("ab/", 200): ("/" + strings.Repeat("ab/", 200))[:256],
	} {
		if got := logged(path); got != want {
			t.Errorf("%s is logged as %s", path, got)
		}
	}
}
