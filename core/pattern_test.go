package core_test

import (
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Each line is who listens to what, and which of its listeners hears of an
// event: the most specific one, and none of a plugin's own but by name.
func TestListenerOf(t *testing.T) {
	for _, c := range []struct{ plugin, listens, event, from, want string }{
		{"crm", "order.paid", "order.paid", "shop", "order.paid"},
		{"crm", "order.paid", "order.paid_late", "shop", ""},
		{"crm", "crm.contact.created", "crm.contact.created", "crm", "crm.contact.created"},

		{"crm", "lms.*", "lms.course.completed", "lms", "lms.*"},
		{"crm", "lms.*", "lmsx.course.completed", "lmsx", ""},
		{"crm", "lms.course.*", "lms.course", "lms", ""},
		{"crm", "lms.course.*", "lms.courses.done", "lms", ""},
		{"crm", "* lms.* lms.course.* lms.course.completed", "lms.course.completed", "lms", "lms.course.completed"},
		{"crm", "lms.course.completed lms.course.* lms.* *", "lms.course.started", "lms", "lms.course.*"},
		{"crm", "* lms.* lms.course.*", "lms.enrolled", "lms", "lms.*"},
		{"crm", "* lms.*", "quiz.passed", "quiz", "*"},

		// Its own: a domain of its name, one it holds, whoever else might be meant.
		{"crm", "* crm.deal.won", "crm.contact.created", "crm", ""},
		{"crm", "* crm.deal.won", "crm.deal.won", "crm", "crm.deal.won"},
		{"shop", "order.* *", "order.paid", "shop", ""},
		{"crm", "order.* *", "order.paid", "shop", "order.*"},

		// The platform's.
		{"crm", "*", "core.member.added", "core", ""},
		{"crm", "* core.*", "core.member.added", "core", "core.*"},
		{"crm", "core.member.*", "core.member.added", "core", "core.member.*"},
		{"crm", "core.member.*", "core.plugin.installed", "core", ""},
		{"crm", "core.member.added", "core.member.added", "core", "core.member.added"},
	} {
		m := &abi.Manifest{Name: c.plugin}
		for _, pattern := range strings.Fields(c.listens) {
			m.Listens = append(m.Listens, abi.Listener{Type: pattern, Handler: pattern})
		}
		event := core.Event{Type: c.event, Source: "/" + c.from}
		if got, ok := core.ListenerOf(m, event); got != c.want || ok != (c.want != "") {
			t.Errorf("of %s, %s is told by %q: %v, want %q", c.listens, c.event, got, ok, c.want)
		}
		in := core.Installation{Plugin: core.PluginID{Publisher: "acme", Name: c.plugin},
			Grants: []core.Grant{{Capability: abi.CapabilityData, Events: []string{c.event}}, {Capability: abi.CapabilityEvents, Events: strings.Fields(c.listens)}}}
		if got := in.Receives(event); got != (c.want != "") {
			t.Errorf("%s granted to %s receives %s: %v", c.listens, c.plugin, c.event, got)
		}
	}
}

// A person who consents reads words for what a name doesn't say.
func TestPatternInWords(t *testing.T) {
	for pattern, want := range map[string]string{
		"order.paid": "",
		"*":          "other plugins of this workspace",
		"core.*":     "members and plugins",
		"crm.deal.*": "names that begin with crm.deal.",
	} {
		if got := core.PatternInWords(pattern); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: %q", pattern, got)
		}
	}
}
