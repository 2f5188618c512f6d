package sqlite

import (
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// What was read before a write is not kept after it.
func TestShelfDropsWhatWasOvertaken(t *testing.T) {
	for name, overtake := range map[string]func(*shelf[string, int]){
		"by a write of the value": func(s *shelf[string, int]) { s.put("a", 2) },
		"by a write of another":   func(s *shelf[string, int]) { s.put("b", 2) },
		"by any":                  func(s *shelf[string, int]) { s.clear() },
	} {
		var s shelf[string, int]
		_, _, edition := s.get("a")
		overtake(&s)
		s.keep("a", 1, edition)
		if v, ok, _ := s.get("a"); ok && v == 1 {
			t.Errorf("%s: it kept what was read before", name)
		}
	}
	var s shelf[string, int]
	_, _, edition := s.get("a")
	s.keep("a", 1, edition)
	if v, ok, _ := s.get("a"); !ok || v != 1 {
		t.Error("it keeps nothing")
	}
	for i := range maxShelf + 1 {
		s.keep(string(rune(i)), i, edition)
	}
	if len(s.kept) > maxShelf {
		t.Errorf("it keeps %d values", len(s.kept))
	}
}

// Every change that this database writes to a table of who may do what, and any
// it does not know, has what is remembered forgotten.
func TestChangesThatAuthorise(t *testing.T) {
	for _, c := range []core.Change{
		core.PutInstallation{}, core.RemoveInstallation{}, core.PutWorkspace{}, core.PutMember{}, core.RemoveMember{}, core.PutContract{}, nil,
	} {
		if !authorises([]core.Change{core.PutReceipt{}, c}) {
			t.Errorf("%T is not one", c)
		}
	}
	if authorises([]core.Change{core.PutReceipt{}, core.AddUsage{}, core.AppendEvent{}, core.PutDelivery{}, core.CompleteDelivery{}}) {
		t.Error("what every call writes is one")
	}
}
