package core

import "time"

// sharesPeriod is how long Shares goes by what it has noticed before.
const sharesPeriod = 100 * time.Millisecond

// Shares notices which workspace asks for most of something at a time while others
// ask for some, too. It is not safe for concurrent use.
type Shares struct {
	enough        int // who never asks for more than this at a time is left alone
	since         time.Time
	asked, before map[WorkspaceID]int // at a time, at most, in this period and the last
	heaviest      WorkspaceID
}

// NewShares makes one that leaves those alone who ask for no more than enough at a time.
func NewShares(enough int) Shares {
	return Shares{enough: enough, asked: map[WorkspaceID]int{}, before: map[WorkspaceID]int{}}
}

// Ask notes that a workspace has, or waits for, n now.
func (s *Shares) Ask(ws WorkspaceID, n int, now time.Time) {
	if now.Sub(s.since) >= sharesPeriod {
		s.look(now)
	}
	s.asked[ws] = max(s.asked[ws], n)
}

// Heaviest reports whether a workspace asked for most in the last period, and for more
// than enough, and others asked, too.
func (s *Shares) Heaviest(ws WorkspaceID) bool { return ws == s.heaviest && ws != "" }

func (s *Shares) look(now time.Time) {
	s.since, s.heaviest = now, ""
	most, alone := s.enough, true
	for ws, n := range s.asked {
		if n > most {
			s.heaviest, most = ws, n
		}
	}
	for _, period := range []map[WorkspaceID]int{s.asked, s.before} {
		for ws := range period {
			alone = alone && ws == s.heaviest
		}
	}
	if alone {
		s.heaviest = ""
	}
	s.asked, s.before = s.before, s.asked
	clear(s.asked)
}
