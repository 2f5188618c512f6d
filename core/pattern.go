package core

import (
	"fmt"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

// PlatformDomain is the domain of the events the platform itself emits.
const PlatformDomain = "core"

// A pattern is what a listener listens to and a grant names: one type of events
// (order.paid), all that begin with the same words (crm.deal.*), or all that
// plugins emit (*). What the platform emits is received only by who names it,
// if only as core.*.

// PatternCovers reports whether a type of events is one of a pattern's.
func PatternCovers(pattern, eventType string) bool {
	prefix, many := strings.CutSuffix(pattern, "*")
	switch {
	case !many:
		return pattern == eventType
	case prefix == "":
		return DomainOf(eventType) != PlatformDomain
	default:
		return strings.HasPrefix(eventType, prefix)
	}
}

// CoversMany reports whether a pattern is of more than one type.
func CoversMany(pattern string) bool { return strings.HasSuffix(pattern, "*") }

// PatternInWords says to the person who consents what a pattern of many types
// covers. It is empty for a single type, which says it itself.
func PatternInWords(pattern string) string {
	prefix, many := strings.CutSuffix(pattern, "*")
	switch {
	case !many:
		return ""
	case prefix == "":
		return "everything that other plugins of this workspace tell of, whatever plugins it will have"
	case prefix == PlatformDomain+".":
		return "everything that changes in the workspace itself, such as its members and plugins"
	default:
		return fmt.Sprintf("everything that is told of under names that begin with %s", prefix)
	}
}

// covers reports whether an event is one of a pattern's for a plugin. One of many
// types leaves out what the plugin tells of itself: who answers everything would
// answer its own answers.
func covers(pattern, plugin string, e Event) bool {
	return PatternCovers(pattern, e.Type) && !(CoversMany(pattern) && e.Source == "/"+plugin)
}

// ListenerOf finds the handler of an event. When several patterns of the manifest
// cover it the most specific is the one: its type, or else the longest prefix. So
// an event is handled once, whatever else is listened to.
func ListenerOf(m *abi.Manifest, e Event) (handler string, ok bool) {
	var longest int
	for _, l := range m.Listens {
		if !covers(l.Type, m.Name, e) {
			continue
		}
		if !CoversMany(l.Type) {
			return l.Handler, true
		}
		if len(l.Type) > longest { // all of them are prefixes of the type
			handler, longest = l.Handler, len(l.Type)
		}
	}
	return handler, longest > 0
}
