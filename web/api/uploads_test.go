package api

import (
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Many small modules in a row are refused; others may go on uploading, and the
// account may again after a while.
func TestAttack24_ManyUploads(t *testing.T) {
	var u uploads
	now := time.Unix(1_700_000_000, 0)
	for n := range uploadBurst {
		if err := u.take("acc_1", 1<<20, now); err != nil {
			t.Fatalf("upload %d: %v", n+1, err)
		}
	}
	err := u.take("acc_1", 1<<20, now)
	if core.KindOf(err) != core.RateLimited || !strings.Contains(core.MessageOf(err), "Try again in 60 s") {
		t.Fatalf("got %v", err)
	}
	if err := u.take("acc_2", 1<<20, now); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if err := u.take("acc_1", 1<<20, now.Add(uploadEvery-time.Second)); core.KindOf(err) != core.RateLimited {
		t.Errorf("too early: %v", err)
	}
	if err := u.take("acc_1", 1<<20, now.Add(uploadEvery)); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	if err := u.take("acc_1", 1<<20, now.Add(uploadEvery)); core.KindOf(err) != core.RateLimited {
		t.Errorf("two for one minute: %v", err)
	}
	// Large ones count for more.
	for n := range uploadBurst / 5 {
		if err := u.take("acc_3", 4*uploadWeight, now); err != nil {
			t.Fatalf("large upload %d: %v", n+1, err)
		}
	}
	if err := u.take("acc_3", 1<<20, now); core.KindOf(err) != core.RateLimited {
		t.Errorf("behind large ones: %v", err)
	}
}
