package dispatch

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carrel-dev/carrel/core"
)

func TestGatesLetInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGates[string](2, "workspace", nil)
		leave1, _ := g.enter(t.Context(), "a")
		leave2, _ := g.enter(t.Context(), "a")
		other, err := g.enter(t.Context(), "b") // another key has its own gate
		if err != nil {
			t.Fatal(err)
		}
		other()

		var order []int
		for i := range 5 {
			go func() {
				leave, err := g.enter(t.Context(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, i)
				leave()
			}()
			synctest.Wait() // it queues before the next one comes
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { _, err := g.enter(ctx, "a"); gone <- err }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Fatalf("it waits although its caller is gone: %v", err)
		}
		if len(order) != 0 {
			t.Fatalf("%v came in while the gate was full", order)
		}
		leave1()
		synctest.Wait()
		if want := []int{0, 1, 2, 3, 4}; !slices.Equal(order, want) {
			t.Fatalf("order %v, want %v", order, want)
		}
		leave2()
		if len(g.open) != 0 {
			t.Fatalf("%d gates are kept for nobody", len(g.open))
		}
	})
}

// Keys that would read the same when their parts are joined are different ones:
// nobody waits at another workspace's gate.
// Whoever is one too many is refused at once, and only at that gate.
func TestGatesRefuseACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGates[string](1, "workspace", nil)
		leave, err := g.enterAmong(t.Context(), "a", 3)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			go func() {
				if leave, err := g.enterAmong(t.Context(), "a", 3); err != nil {
					t.Error(err)
				} else {
					leave()
				}
			}()
		}
		synctest.Wait()
		if _, err := g.enterAmong(t.Context(), "a", 3); !errors.Is(err, errCrowded) {
			t.Fatalf("the fourth: %v", err)
		}
		other, err := g.enterAmong(t.Context(), "b", 3)
		if err != nil {
			t.Fatal(err)
		}
		other()
		leave()
		synctest.Wait()
		if leave, err = g.enterAmong(t.Context(), "a", 1); err != nil {
			t.Fatalf("when they are gone: %v", err)
		}
		leave()
	})
}

func TestAttack07_KeysCannotCollide(t *testing.T) {
	g := newGates[turn](1, "turn", nil)
	held := turn{"ws_1", byRequest, "crm acc_1 k"}
	leave, err := g.enter(t.Context(), held)
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	for _, other := range []turn{
		{"ws_1 crm", byRequest, "acc_1 k"}, {"ws_2", byRequest, held.key}, {"ws_1", byConflict, held.key},
		{"", byRequest, "ws_1" + held.key}, {"ws_1" + core.WorkspaceID(held.key), byRequest, ""},
	} {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		leave, err := g.enter(ctx, other)
		if err != nil {
			t.Errorf("%v waits for %v", other, held)
		} else {
			leave()
		}
		stop()
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := g.enter(ctx, held); err == nil {
		t.Error("two enter by one key")
	}
}
