package console

import (
	"fmt"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

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
