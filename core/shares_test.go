package core

import (
	"testing"
	"time"
)

// Only who asks for most while others ask, too, is noticed, a period later, and until
// a period without that is over.
func TestShares(t *testing.T) {
	type asks map[WorkspaceID]int
	for _, c := range []struct {
		name    string
		periods []asks
		want    WorkspaceID
	}{
		{"nobody", nil, ""},
		{"alone", []asks{{"a": 9}, {"a": 9}, {"a": 9}}, ""},
		{"most", []asks{{"a": 9, "b": 1}}, "a"},
		{"no more than enough", []asks{{"a": 4, "b": 1}}, ""},
		{"most of several", []asks{{"a": 9, "b": 10, "c": 1}}, "b"},
		{"the other asked before", []asks{{"b": 1}, {"a": 9}}, "a"},
		{"the other has gone", []asks{{"b": 1}, {"a": 9}, {"a": 9}}, ""},
		{"it has had enough", []asks{{"a": 9, "b": 1}, {"a": 3, "b": 1}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, now := NewShares(4), time.Unix(0, 0)
			for _, period := range append([]asks{{}}, c.periods...) {
				for ws, n := range period {
					s.Ask(ws, n, now)
					s.Ask(ws, 1, now)
				}
				now = now.Add(sharesPeriod)
			}
			s.look(now)
			for _, ws := range []WorkspaceID{"a", "b", "c", ""} {
				if got := s.Heaviest(ws); got != (ws == c.want && ws != "") {
					t.Errorf("%q: %v", ws, got)
				}
			}
		})
	}
}
