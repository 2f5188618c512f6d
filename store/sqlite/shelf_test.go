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

// Between a group's becoming visible and what it wrote being here, nobody takes
// what is here for what is in the file, and nothing read then is kept.
func TestShelfIsClosedWhileAGroupCommits(t *testing.T) {
	var s shelf[string, int]
	s.put("a", 1)
	_, ok, before := s.read("a")
	if !ok || !s.unchanged(before) {
		t.Fatal("it is not open")
	}
	s.close()
	if _, ok, edition := s.read("a"); ok || s.unchanged(before) {
		t.Error("a group is committing, and it is open")
	} else if s.keep("b", 1, edition); s.kept["b"] != 0 {
		t.Error("it keeps what was read meanwhile")
	}
	s.put("a", 2)
	s.open()
	if v, ok, edition := s.read("a"); v != 2 || !ok || edition == before {
		t.Errorf("afterwards it has %d, %v", v, ok)
	}
}
