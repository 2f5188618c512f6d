package spectest

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// maxSkips is the most commands that testdata/skips.txt may list.
const maxSkips = 20

// skips are the commands that need not meet the specification, from
// testdata/skips.txt. The other forms must end like the originals there too.
type skips struct {
	mu   sync.Mutex
	used map[string]bool // by "suite file line"
}

func readSkips(t *testing.T) *skips {
	t.Helper()
	list, err := os.Open("testdata/skips.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	s := &skips{used: map[string]bool{}}
	for lines := bufio.NewScanner(list); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		places, reason, _ := strings.Cut(lines.Text(), ": ")
		words := strings.Fields(places)
		if len(words) < 3 || reason == "" {
			t.Fatalf("testdata/skips.txt: %q is not a suite, a file, lines and a reason", lines.Text())
		}
		for _, line := range words[2:] {
			s.used[strings.Join([]string{words[0], words[1], line}, " ")] = false
		}
	}
	if len(s.used) > maxSkips {
		t.Fatalf("testdata/skips.txt lists %d commands, more than %d", len(s.used), maxSkips)
	}
	return s
}

// has tells whether the command is listed, and notes that it was of use.
func (s *skips) has(f file, c command) bool {
	place := fmt.Sprintf("%s %s %d", f.suite, f.name, c.Line)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, listed := s.used[place]
	if listed {
		s.used[place] = true
	}
	return listed
}

// checkUsed fails for each command that needs no skip any more.
func (s *skips) checkUsed(t *testing.T) {
	t.Helper()
	for place, used := range s.used {
		if !used {
			t.Errorf("testdata/skips.txt lists %q, which meets the specification: take it out", place)
		}
	}
}
