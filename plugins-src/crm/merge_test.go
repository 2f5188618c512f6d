package main

import (
	"fmt"
	"testing"
)

func TestInherit(t *testing.T) {
	for _, one := range []struct {
		name          string
		winner, loser Contact
		taken, freed  string
	}{
		{"nothing is missing",
			Contact{Email: "a", UserID: "u", Phone: "1"}, Contact{Email: "b", UserID: "v", Phone: "2", EmailStatus: "bounced"}, "map[]", "map[]"},
		{"what is unique is freed",
			Contact{}, Contact{Email: "b", UserID: "v", Phone: "2"}, "map[email:b phone:2 userId:v]", "map[email:<nil> userId:<nil>]"},
		{"an address brings what is known against it",
			Contact{UserID: "u"}, Contact{Email: "b", EmailStatus: "bounced"}, "map[email:b emailStatus:bounced]", "map[email:<nil>]"},
		{"the later activity", Contact{LastActivityAt: "2026-01-02T00:00:00Z"}, Contact{LastActivityAt: "2026-01-02T00:00:00.5Z"},
			"map[lastActivityAt:2026-01-02T00:00:00.5Z]", "map[]"},
		{"custom fields one by one", Contact{CustomFields: map[string]any{"a": 1}}, Contact{CustomFields: map[string]any{"a": 2, "b": 3}},
			"map[customFields:map[a:1 b:3]]", "map[]"},
	} {
		taken, freed := inherit(one.winner, one.loser)
		if fmt.Sprint(taken) != one.taken || fmt.Sprint(freed) != one.freed {
			t.Errorf("%s: takes %v, want %s; frees %v, want %s", one.name, taken, one.taken, freed, one.freed)
		}
	}
}

func TestNormalizeTag(t *testing.T) {
	for tag, want := range map[string]string{"  VIP \t Customer ": "vip-customer", "Größe:XL": "größe:xl", "v1.2_b": "v1.2_b", "a/b": "", "": "", " ": "", "a\x00": ""} {
		if got, problem := normalizeTag(tag); got != want || (problem == "") != (want != "") {
			t.Errorf("%q: %q, %s", tag, got, problem)
		}
	}
}

func TestResume(t *testing.T) {
	for _, cursor := range []string{"x", "eA", "W10", "!"} {
		if resume(nil, cursor) {
			t.Errorf("%q is taken for a cursor", cursor)
		}
	}
}
