package redis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/redis/redistest"
	"github.com/carrel-dev/carrel/core"
)

// What one node says the others hear, and itself it doesn't.
func TestNodesHearEachOther(t *testing.T) {
	s := redistest.Start(t)
	a, b, c := join(t, s, "one"), join(t, s, "one"), join(t, s, "one")
	a.Due()
	await(t, b.due)
	await(t, c.due)
	b.Moved("ws_1")
	b.Moved("ws_2")
	for _, n := range []*node{a, c} {
		heard := map[core.WorkspaceID]bool{await(t, n.moved): true, await(t, n.moved): true}
		if !heard["ws_1"] || !heard["ws_2"] {
			t.Errorf("it heard of %v", heard)
		}
	}
	if len(a.due) != 0 || len(b.moved) != 0 {
		t.Error("it heard itself")
	}
}

// However often a node has something to say, it says it at most every 10 ms.
func TestNodesDontChatter(t *testing.T) {
	s := redistest.Start(t)
	a, b := join(t, s, "one"), join(t, s, "one")
	began := time.Now()
	const many = 5_000
	for i := range many {
		a.Due()
		a.Moved(core.WorkspaceID(fmt.Sprintf("ws_%d", i%10)))
	}
	a.Moved("ws_last")
	for await(t, b.moved) != "ws_last" {
	}
	if told, most := a.told.Load(), int64(time.Since(began)/pace)+1; told > most || told < 1 {
		t.Errorf("%d messages for %d news, want at most %d", told, many, most)
	}
}

// Whatever somebody publishes, and however often, makes a node look again and does
// nothing else.
func TestFault08_MessagesAreForgedAndRepeated(t *testing.T) {
	s := redistest.Start(t)
	a := join(t, s, "one")
	for _, forged := range []string{
		`x`, `{"v":2,"moved":"all"}`, `{"v":1,"moved":7}`, `[]`, `""`, `{"v":1,"moved":["` + strings.Repeat("x", maxMessage) + `"]}`,
	} {
		if receivers := s.Do("PUBLISH", a.channel(), "'"+forged+"'"); receivers != ":1\r\n" {
			t.Fatalf("published to %q", receivers)
		}
		a.missed()
	}
	valid := news{moved: map[core.WorkspaceID]struct{}{"ws_1": {}}}.encode("another")
	for range 3 {
		s.Do("PUBLISH", a.channel(), "'"+valid+"'")
		if ws := await(t, a.moved); ws != "ws_1" {
			t.Errorf("%s has moved", ws)
		}
	}
	if len(a.due) != 0 || len(a.all) != 0 || !a.Answers() {
		t.Errorf("%d and %d more, answers %v", len(a.due), len(a.all), a.Answers())
	}
}

// A mailbox that nobody empties holds little, and loses nothing but precision.
func TestMailbox(t *testing.T) {
	m := newMailbox()
	for i := range maxMoved {
		m.add(news{moved: map[core.WorkspaceID]struct{}{core.WorkspaceID(fmt.Sprintf("ws_%d", i)): {}}})
	}
	n := m.take()
	if n.due || n.all || len(n.moved) != maxMoved {
		t.Errorf("%v %v %d", n.due, n.all, len(n.moved))
	}
	if back, others := decode(n.encode("a"), "b"); !others || back.all || len(back.moved) != maxMoved {
		t.Errorf("of %d it read %v, %d", maxMoved, back.all, len(back.moved))
	}
	if _, others := decode(n.encode("a"), "a"); others {
		t.Error("its own news are another's")
	}
	m.add(n)
	m.add(news{due: true, moved: map[core.WorkspaceID]struct{}{"ws_more": {}}})
	m.add(news{moved: map[core.WorkspaceID]struct{}{"ws_0": {}}})
	if n = m.take(); !n.due || !n.all || len(n.moved) != 0 {
		t.Errorf("%v %v %d", n.due, n.all, len(n.moved))
	}
	if n = m.take(); !n.empty() {
		t.Error("it was not emptied")
	}
}
