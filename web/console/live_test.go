package console

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// told is a stream that is being written, in a bubble whose clock is the test's.
type told struct {
	commits atomic.Int64
	revoked atomic.Bool
	text    bytes.Buffer  // to be read when it is over
	over    chan struct{} // closed when the stream ends
}

// newTold begins a stream, and does looked each time its reader's right was seen.
func newTold(looked func(*told)) *told {
	s := &told{over: make(chan struct{})}
	r := reader{
		pulse: func(context.Context) (pulse, error) { return pulse{commits: s.commits.Load()}, nil },
		mayRead: func(context.Context) error {
			if s.revoked.Load() {
				return core.E("test", core.Unauthenticated, "Signed out.")
			}
			looked(s)
			return nil
		},
	}
	go func() {
		defer close(s.over)
		r.tell(bufio.NewWriter(&s.text), "", nil, nil)
	}()
	synctest.Wait()
	return s
}

// TestAttack10_AStreamEndsWithinASecond takes a reader's right away at moments all
// over a stream's life and beat. It ends within a second of the bubble's clock,
// on which nothing but waiting takes time.
func TestAttack10_AStreamEndsWithinASecond(t *testing.T) {
	for _, at := range []time.Duration{0, 1, liveBeat / 2, liveBeat - 1, liveBeat, liveBeat + 1, liveNote, liveLife - 2*time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := newTold(func(*told) {})
			s.commits.Add(1)
			time.Sleep(at)
			synctest.Wait()
			s.revoked.Store(true)
			s.commits.Add(1)
			revoked := time.Now()
			<-s.over
			if took := time.Since(revoked); took > time.Second {
				t.Errorf("revoked after %v, it goes on for %v", at, took)
			}
			want := 0
			if at >= liveBeat {
				want = 1 // of the commit before
			}
			if n := strings.Count(s.text.String(), "event: commit"); n != want {
				t.Errorf("revoked after %v, it told of %d commits, want %d:\n%s", at, n, want, s.text.String())
			}
		})
	}
}

// TestAttack10_NothingIsToldOfARightThatHasJustEnded takes a reader's right away
// just after a stream has seen it, and then something happens.
func TestAttack10_NothingIsToldOfARightThatHasJustEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		s := newTold(func(s *told) {
			if looks++; looks == 3 {
				s.revoked.Store(true)
				s.commits.Add(1)
			}
		})
		<-s.over
		if text := s.text.String(); looks != 3 || strings.Contains(text, "event:") {
			t.Errorf("after %d looks it told of\n%s", looks, text)
		}
	})
}

func TestTheOldestStreamOfAnAccountMakesRoom(t *testing.T) {
	var s streams
	var ended []<-chan struct{}
	var leave []func()
	for range liveOfAccount + 2 {
		one, out, err := s.enter("acc_a")
		if err != nil {
			t.Fatal(err)
		}
		ended, leave = append(ended, one), append(leave, out)
	}
	for i, one := range ended {
		select {
		case <-one:
			if i >= 2 {
				t.Errorf("stream %d of %d made room", i, len(ended))
			}
		default:
			if i < 2 {
				t.Errorf("stream %d goes on beside %d others", i, len(ended)-1)
			}
		}
	}
	if s.total != len(ended) {
		t.Errorf("%d streams are counted before they have left, want %d", s.total, len(ended))
	}
	for _, out := range leave {
		out()
	}
	if s.total != 0 || len(s.open) != 0 {
		t.Errorf("after all have left, %d are counted and %d accounts kept", s.total, len(s.open))
	}
}

func TestAServerHasRoomForSoManyStreams(t *testing.T) {
	var s streams
	var last func()
	for i := range liveOfServer {
		_, out, err := s.enter(core.AccountID(fmt.Sprintf("acc_%d", i)))
		if err != nil {
			t.Fatalf("stream %d: %v", i, err)
		}
		last = out
	}
	if _, _, err := s.enter("acc_late"); core.KindOf(err) != core.Unavailable {
		t.Errorf("one more: %v", err)
	}
	last()
	if _, _, err := s.enter("acc_late"); err != nil {
		t.Errorf("when one has left: %v", err)
	}
}
