package store

import "testing"

// What was read before a write is not kept after it.
func TestShelfDropsWhatWasOvertaken(t *testing.T) {
	for name, overtake := range map[string]func(*Shelf[string, int]){
		"by a write of the value": func(s *Shelf[string, int]) { s.Put("a", 2) },
		"by a write of another":   func(s *Shelf[string, int]) { s.Put("b", 2) },
		"by any":                  func(s *Shelf[string, int]) { s.Clear() },
	} {
		var s Shelf[string, int]
		_, _, edition := s.Get("a")
		overtake(&s)
		s.Keep("a", 1, edition)
		if v, ok, _ := s.Get("a"); ok && v == 1 {
			t.Errorf("%s: it kept what was read before", name)
		}
	}
	var s Shelf[string, int]
	_, _, edition := s.Get("a")
	s.Keep("a", 1, edition)
	if v, ok, _ := s.Get("a"); !ok || v != 1 {
		t.Error("it keeps nothing")
	}
	for i := range maxShelf + 1 {
		s.Keep(string(rune(i)), i, edition)
	}
	if len(s.kept) > maxShelf {
		t.Errorf("it keeps %d values", len(s.kept))
	}
}

// Between a write's becoming visible and what it wrote being here, nobody takes
// what is here for what is in the database, and nothing read then is kept.
func TestAShelfIsClosedWhileAWriteCommits(t *testing.T) {
	var s Shelf[string, int]
	s.Put("a", 1)
	_, ok, before := s.Read("a")
	if !ok || !s.Unchanged(before) {
		t.Fatal("it is not open")
	}
	s.Close()
	if _, ok, edition := s.Read("a"); ok || s.Unchanged(before) {
		t.Error("a group is committing, and it is open")
	} else if s.Keep("b", 1, edition); s.kept["b"] != 0 {
		t.Error("it keeps what was read meanwhile")
	}
	s.Put("a", 2)
	s.Open()
	if v, ok, edition := s.Read("a"); v != 2 || !ok || edition == before {
		t.Errorf("afterwards it has %d, %v", v, ok)
	}
}
