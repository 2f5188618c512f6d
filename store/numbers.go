package store

import (
	"maps"
	"sync"
)

// Numbers are those of names that a Backend has seen in its database. As a name's
// number never changes, what is known needs no second look. The zero Numbers knows
// none; its methods may be called concurrently.
type Numbers struct {
	mu    sync.Mutex
	known map[string]Number
}

// Of returns the numbers of names, or nil when one is not known yet.
func (n *Numbers) Of(names []string) []Number {
	n.mu.Lock()
	defer n.mu.Unlock()
	numbers := make([]Number, len(names))
	for i, name := range names {
		number, ok := n.known[name]
		if !ok {
			return nil
		}
		numbers[i] = number
	}
	return numbers
}

// Add notes the numbers of names.
func (n *Numbers) Add(given map[string]Number) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = make(map[string]Number, len(given))
	}
	maps.Copy(n.known, given)
}
