package dispatch_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/hostfuncs"
)

func (b *bench) keyed(d *dispatch.Dispatcher, actor core.Actor, key, body string) (dispatch.Answer, error) {
	return d.Request(b.Context(), dispatch.Request{
		Workspace: b.ws, Alias: "crm", Actor: actor, IdempotencyKey: key,
		HTTP: abi.Request{Method: "POST", Path: "/run", Body: json.RawMessage(body)},
	})
}

// insertNew adds a counter whose name no other run gives.
func insertNew(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
	return insert(ctx, host, string(core.NewDocumentID()))
}

// TestIdempotencyRace: fifty requests with one key, on two servers' worth of
// dispatchers, have one effect and get one answer.
func TestIdempotencyRace(t *testing.T) {
	b := newBench(t)
	b.handle("mutation", insertNew)
	dispatchers := []*dispatch.Dispatcher{b.dispatcher(), b.dispatcher()}
	start := make(chan struct{})
	var mu sync.Mutex
	answers, invocations, replayed := map[string]int{}, map[core.InvocationID]int{}, 0
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			<-start
			answer, err := b.keyed(dispatchers[i%2], b.owner, "key-1", `{"a":1}`)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[string(answer.Response.Body)]++
			invocations[answer.Invocation]++
			if answer.Replayed {
				replayed++
			}
		})
	}
	close(start)
	all.Wait()
	if len(answers) != 1 || len(invocations) != 1 || replayed != 49 {
		t.Fatalf("%d answers of %d invocations, %d replayed", len(answers), len(invocations), replayed)
	}
	if got := b.counters(); len(got) != 1 {
		t.Fatalf("%d effects", len(got))
	}
	if runs := b.runs.Load(); runs > 2 {
		t.Errorf("%d runs: the dispatchers don't wait for the first of equal requests", runs)
	}
}

// TestFault03_TheAnswerWasLost: sending the request again gives the stored
// answer, to the same person only, and only for the same request.
func TestFault03_TheAnswerWasLost(t *testing.T) {
	b := newBench(t)
	b.handle("mutation", insertNew)
	first, err := b.keyed(b.dispatcher(), b.owner, "key-1", `{"a":1}`)
	must(t, err)
	d := b.dispatcher()
	again, err := b.keyed(d, b.owner, "key-1", `{"a":1}`)
	must(t, err)
	if !again.Replayed || string(again.Response.Body) != string(first.Response.Body) || again.Response.Status != first.Response.Status || again.Invocation != first.Invocation {
		t.Fatalf("again: %+v, first: %+v", again, first)
	}
	token := b.owner
	token.Type = core.ActorToken
	if byToken, err := b.keyed(d, token, "key-1", `{"a":1}`); err != nil || !byToken.Replayed {
		t.Fatalf("the same person's token: %+v, %v", byToken, err)
	}
	_, err = b.keyed(d, b.owner, "key-1", `{"a":2}`)
	wantError(t, err, core.Invalid, "another request")
	if other, err := b.keyed(d, b.member(core.RoleAdmin), "key-1", `{"a":1}`); err != nil || other.Replayed {
		t.Fatalf("somebody else's key: %+v, %v", other, err)
	}
	if got := len(b.counters()); got != 2 {
		t.Fatalf("%d effects, want 2", got)
	}
	b.update(func(in *core.Installation) { in.State = core.InstallationDisabled })
	_, err = b.keyed(d, b.owner, "key-1", `{"a":1}`)
	wantError(t, err, core.Denied) // a stored answer is no way around the door
}

func TestAFailureIsNotRemembered(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.handle("mutation", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) {
		return nil, core.E("", core.Unavailable, "Not now.")
	})
	_, err := b.keyed(d, b.owner, "key-1", `{}`)
	wantError(t, err, core.Unavailable)
	b.handle("mutation", insertNew)
	answer, err := b.keyed(d, b.owner, "key-1", `{}`)
	if err != nil || answer.Replayed {
		t.Fatalf("%+v, %v", answer, err)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	b := newBench(t)
	b.handle("mutation", insertNew)
	d := b.dispatcher()
	for key, valid := range map[string]bool{
		strings.Repeat("k", 255): true, "!~": true,
		strings.Repeat("k", 256): false, "with space": false, "tab\t": false, "é": false, "\x00": false, "\x7f": false,
	} {
		_, err := b.keyed(d, b.owner, key, `{}`)
		if valid {
			must(t, err)
		} else if core.KindOf(err) != core.Invalid || core.ViolationsOf(err)[0].Location != "header.Idempotency-Key" {
			t.Errorf("key %q: %v", key, err)
		}
	}
}
