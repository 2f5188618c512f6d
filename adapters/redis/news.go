package redis

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/carrel-dev/carrel/core"
)

const (
	version = 1
	// maxMoved is how many workspaces news names; of more it says "all".
	maxMoved = 1000
	// maxMessage is what a node reads of a message, in bytes; no node sends as much.
	maxMessage = 64 << 10
)

// news is what happened since somebody last looked.
type news struct {
	due   bool // deliveries may be due
	all   bool // every workspace may have moved on
	moved map[core.WorkspaceID]struct{}
}

// everything is the news of whoever can't know what they missed.
var everything = news{due: true, all: true}

func (n news) empty() bool { return !n.due && !n.all && len(n.moved) == 0 }

// message is news on its way. Fields can be added; for what changes its meaning
// there is another version.
type message struct {
	Version int                `json:"v"`
	From    string             `json:"from"`
	Due     bool               `json:"due,omitempty"`
	All     bool               `json:"all,omitempty"`
	Moved   []core.WorkspaceID `json:"moved,omitempty"`
}

func (n news) encode(from string) string {
	m := message{Version: version, From: from, Due: n.due, All: n.all, Moved: slices.Sorted(maps.Keys(n.moved))}
	encoded, _ := json.Marshal(m) // of strings and booleans: it never fails
	return string(encoded)
}

// decode reads what a node published, and says whether it was another than self.
// What can't be read may be of a newer node: then it may be about everything, which
// costs no more than reading again.
func decode(text, self string) (n news, others bool) {
	var m message
	if len(text) > maxMessage || json.Unmarshal([]byte(text), &m) != nil || m.Version != version {
		return everything, true
	}
	n = news{due: m.Due, all: m.All, moved: map[core.WorkspaceID]struct{}{}}
	for _, ws := range m.Moved {
		n.moved[ws] = struct{}{}
	}
	return n, m.From != self
}

// mailbox collects news until somebody takes them. However many come, it holds
// little: they are merged.
type mailbox struct {
	mu   sync.Mutex
	news news
	full chan struct{} // holds a signal while there are news
}

func newMailbox() *mailbox { return &mailbox{full: make(chan struct{}, 1)} }

// add never waits.
func (m *mailbox) add(n news) {
	if n.empty() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.news.due, m.news.all = m.news.due || n.due, m.news.all || n.all
	if m.news.moved == nil {
		m.news.moved = map[core.WorkspaceID]struct{}{}
	}
	maps.Copy(m.news.moved, n.moved)
	if m.news.all = m.news.all || len(m.news.moved) > maxMoved; m.news.all {
		clear(m.news.moved)
	}
	select {
	case m.full <- struct{}{}:
	default:
	}
}

func (m *mailbox) take() news {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.news
	m.news = news{}
	return n
}
