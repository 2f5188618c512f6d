package redis

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/redis/redistest"
)

// Two nodes that count at the same time count as one.
func TestNodesShareACount(t *testing.T) {
	s := redistest.Start(t)
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 2 {
		count := join(t, s, "one").Counter("mail")
		for range 4 {
			all.Go(func() {
				for range 100 {
					ok, err := count.Take(t.Context(), "ws_1", 150, time.Hour)
					if err != nil {
						t.Error(err)
					}
					if ok {
						taken.Add(1)
					}
				}
			})
		}
	}
	all.Wait()
	if taken.Load() != 150 {
		t.Errorf("%d were counted, want 150", taken.Load())
	}
}

func TestCounter(t *testing.T) {
	s := redistest.Start(t)
	a, b := join(t, s, "one"), join(t, s, "one")
	count, other := a.Counter("sign-in"), b.Counter("sign-in")
	want := func(step string, c *Counter, want bool) {
		t.Helper()
		if ok, err := c.Take(t.Context(), "ada", 2, time.Hour); ok != want || err != nil {
			t.Errorf("%s: %v, %v", step, ok, err)
		}
	}
	count.GiveBack(t.Context(), "ada") // of none
	want("first", count, true)
	want("second", other, true)
	want("third", count, false)
	other.GiveBack(t.Context(), "ada")
	want("after one was given back", count, true)
	want("and no more", other, false)
	count.Forget(t.Context(), "ada")
	want("forgotten", other, true)

	// A window ends by Redis's clock, also one that somebody left without an end.
	name := count.name("ada")[0]
	ends := func(step string) {
		t.Helper()
		left, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(s.Do("PTTL", name), ":")))
		if err != nil || left <= 0 || left > int(time.Hour.Milliseconds()) {
			t.Errorf("%s: the window ends in %d ms, %v", step, left, err)
		}
	}
	ends("a count")
	s.Do("SET", name, "99")
	want("a count without end", count, true)
	ends("what was without end")
}

// Attack 7: other things and other keys are other counts, wherever one ends and the
// other begins.
func TestAttack07_CountsDontMeet(t *testing.T) {
	link := newNode(t, "redis://127.0.0.1:1", "one").Link
	names := map[string][2]string{}
	for _, what := range []string{"mail", "mai", "mail:", "", "m\x00ail"} {
		for _, key := range []string{"", "l", "ws_1", ":ws_1", "ws_1\x00", "ws_1\n", "l\x04ws_1", "\x04mail"} {
			name := link.Counter(what).name(key)[0]
			if other, ok := names[name]; ok {
				t.Errorf("%q and %q are one count", other, [2]string{what, key})
			}
			names[name] = [2]string{what, key}
		}
	}
}

// Attack 11: who reads all of Redis learns nobody's address, nor can try out whether
// one is there.
func TestAttack11_CountsNameNobody(t *testing.T) {
	s := redistest.Start(t)
	count := join(t, s, "one").Counter("sign-in")
	const email = "ada@example.com"
	if ok, err := count.Take(t.Context(), email, 2, time.Hour); !ok || err != nil {
		t.Fatal(ok, err)
	}
	all := s.Do("KEYS", "*")
	if !strings.Contains(all, count.name(email)[0]) {
		t.Fatalf("the count is not among %q", all)
	}
	plain := sha256.Sum256([]byte(email))
	for _, tell := range []string{email, "ada", "example", hex.EncodeToString(plain[:8]), "sign-in"} {
		if strings.Contains(all, tell) {
			t.Errorf("%q is in %q", tell, all)
		}
	}
}
