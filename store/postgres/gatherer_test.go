package postgres

import (
	"context"
	"errors"
	goruntime "runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/storetest"
)

// doubler is a gatherer of doubled numbers, of which there are none below 0. Each of its
// statements waits until it is let go.
type doubler struct {
	*gatherer[int, int]
	sent chan []int // the questions of each statement
	let  chan error // what becomes of it
}

var errPanic = errors.New("panic, please")

func newDoubler() *doubler {
	h := &doubler{sent: make(chan []int, 100), let: make(chan error)}
	h.gatherer = newGatherer("test", func(_ context.Context, _ core.WorkspaceID, questions []int) ([]*int, error) {
		h.sent <- slices.Clone(questions)
		switch err := <-h.let; err {
		case nil:
		case errPanic:
			panic(err)
		default:
			return nil, err
		}
		answers := make([]*int, len(questions))
		for i, q := range questions {
			if double := 2 * q; q >= 0 {
				answers[i] = &double
			}
		}
		return answers, nil
	})
	h.late = time.Hour
	return h
}

// result is what a caller was told.
type result struct {
	answer int
	err    error
}

func (h *doubler) later(ctx context.Context, ws core.WorkspaceID, q int) <-chan result {
	told := make(chan result, 1)
	go func() {
		answer, err := h.ask(ctx, ws, q)
		told <- result{answer, err}
	}()
	return told
}

// occupy has a statement under way, which asks for 1 and waits to be let go.
func (h *doubler) occupy(t *testing.T) (told <-chan result) {
	t.Helper()
	told = h.later(t.Context(), "", 1)
	if sent := <-h.sent; !slices.Equal(sent, []int{1}) {
		t.Fatalf("it asks for %v", sent)
	}
	return told
}

// release lets it go.
func (h *doubler) release(t *testing.T, told <-chan result) {
	t.Helper()
	h.let <- nil
	if got := <-told; got != (result{answer: 2}) {
		t.Errorf("the first one is told %+v", got)
	}
}

// gathered waits until so many questions are to be asked.
func (h *doubler) gathered(n int) {
	for {
		h.mu.Lock()
		waiting := 0
		for _, in := range h.waiting[""] {
			waiting += len(in.questions)
		}
		h.mu.Unlock()
		if waiting == n {
			return
		}
		goruntime.Gosched()
	}
}

// TestWhoComesMeanwhileIsAskedForTogether, in as few statements as hold them, each
// with an answer of its own, and none by a statement that was sent before.
func TestWhoComesMeanwhileIsAskedForTogether(t *testing.T) {
	h := newDoubler()
	first := h.occupy(t)
	const callers = 2*maxGathered + 10
	told := make([]<-chan result, callers)
	for i := range told {
		told[i] = h.later(t.Context(), "", i-1) // the first has none, the third is what was sent already
		h.gathered(i + 1)
	}
	shared, place := h.join("", callers-2) // the same as the last
	h.release(t, first)
	for _, want := range []int{maxGathered, maxGathered, 10} {
		if sent := <-h.sent; len(sent) != want {
			t.Errorf("%d are asked for together, want %d", len(sent), want)
		}
		h.let <- nil
	}
	for i, told := range told {
		got := <-told
		if i == 0 {
			if core.KindOf(got.err) != core.NotFound {
				t.Errorf("what is not there: %+v", got)
			}
		} else if got != (result{answer: 2 * (i - 1)}) {
			t.Errorf("%d is told %+v", i-1, got)
		}
	}
	if <-shared.done; *shared.answers[place] != 2*(callers-2) {
		t.Errorf("who asks the same is told %d", *shared.answers[place])
	}
	h.idle(t)
}

// idle wants nothing to be left.
func (h *doubler) idle(t *testing.T) {
	t.Helper()
	for {
		h.mu.Lock()
		left := len(h.waiting)
		h.mu.Unlock()
		if left == 0 {
			break
		}
		goruntime.Gosched()
	}
	select {
	case sent := <-h.sent:
		t.Errorf("one more statement asks for %v", sent)
	default:
	}
}

// TestWhoGoesHoldsNobodyUp: a call that ends is told so at once, whether its
// statement is under way or not, and those it was gathered with are answered.
func TestWhoGoesHoldsNobodyUp(t *testing.T) {
	h := newDoubler()
	leaving, leave := context.WithCancel(t.Context())
	under := h.later(leaving, "", 101)
	<-h.sent
	goes, remains := h.later(leaving, "", 102), h.later(t.Context(), "", 103)
	h.gathered(2)
	leave()
	for _, told := range []<-chan result{under, goes} {
		if got := <-told; core.KindOf(got.err) != core.Timeout {
			t.Errorf("who went is told %+v", got)
		}
	}
	h.let <- nil
	h.let <- nil
	if got := <-remains; got != (result{answer: 206}) {
		t.Errorf("who remains is told %+v", got)
	}
	if _, err := h.ask(leaving, "", 1); core.KindOf(err) != core.Timeout {
		t.Errorf("who is gone: %v", err)
	}
	<-h.sent
	h.idle(t)
}

// TestAStatementThatHangsHoldsNobodyUp: it is late, and others are asked for without
// waiting for it. Whoever it answers may wait on.
func TestAStatementThatHangsHoldsNobodyUp(t *testing.T) {
	h := newDoubler()
	h.late = time.Millisecond
	h.occupy(t)
	behind := h.later(t.Context(), "", 7)
	if sent := <-h.sent; !slices.Equal(sent, []int{7}) { // though nothing was let go
		t.Errorf("asked for: %v", sent)
	}
	h.let <- nil
	h.let <- nil
	if got := <-behind; got != (result{answer: 14}) {
		t.Errorf("the one behind is told %+v", got)
	}
	h.idle(t)
}

// TestAStatementsErrorIsEverybodys: a panic too, and what is asked afterwards is
// answered.
func TestAStatementsErrorIsEverybodys(t *testing.T) {
	h := newDoubler()
	for _, fault := range []error{&core.Error{Op: "test", Kind: core.Unavailable}, errPanic} {
		first := h.occupy(t)
		var told []<-chan result
		for q := range 5 {
			told = append(told, h.later(t.Context(), "", 10+q))
			h.gathered(q + 1)
		}
		h.release(t, first)
		<-h.sent
		h.let <- fault
		want := core.KindOf(fault)
		if fault == errPanic {
			want = core.Internal
		}
		for _, told := range told {
			if got := <-told; core.KindOf(got.err) != want {
				t.Errorf("%v: one of them is told %+v", fault, got)
			}
		}
		h.idle(t)
	}
}

// TestWorkspacesAreAskedApart: while one's statement is stuck, another's are sent, and
// none asks for both.
func TestWorkspacesAreAskedApart(t *testing.T) {
	h := newDoubler()
	h.occupy(t)
	behind := h.later(t.Context(), "", 7)
	h.gathered(1)
	a, b := core.NewWorkspaceID(), core.NewWorkspaceID()
	for q, ws := range []core.WorkspaceID{a, b} {
		told := h.later(t.Context(), ws, 7+q)
		if sent := <-h.sent; !slices.Equal(sent, []int{7 + q}) {
			t.Errorf("asked for: %v", sent)
		}
		defer func() { <-told }()
	}
	for range 4 {
		h.let <- nil
	}
	if got := <-behind; got.answer != 14 {
		t.Errorf("the one behind is told %+v", got)
	}
}

// TestLookupsPassOverDeadConnections: after the server has closed every connection,
// many who ask at once are answered all the same, each with what is theirs.
func TestLookupsPassOverDeadConnections(t *testing.T) {
	p := openPlatform(t)
	ctx := t.Context()
	workspaces := []core.Workspace{storetest.Fill(t, p), storetest.Fill(t, p)}
	var accesses []core.Access
	for _, w := range workspaces {
		a, err := p.Access(ctx, w.ID)
		if err != nil {
			t.Fatal(err)
		}
		accesses = append(accesses, a)
	}
	all := func() {
		var asking sync.WaitGroup
		for i := range 32 {
			asking.Go(func() {
				w, other := workspaces[i%2], workspaces[1-i%2]
				owner := accesses[i%2].Members[0].Account
				got, m, err := p.Membership(ctx, w.Slug, owner)
				if err != nil || got.ID != w.ID || m.Account != owner || m.Workspace != w.ID {
					t.Errorf("%s at %s: %+v, %+v, %v", owner, w.Slug, got, m, err)
				}
				if _, _, err := p.Membership(ctx, other.Slug, owner); core.KindOf(err) != core.NotFound {
					t.Errorf("at another's workspace: %v", err)
				}
				if got, err := p.Workspace(ctx, string(w.ID)); err != nil || got.Slug != w.Slug {
					t.Errorf("%+v, %v", got, err)
				}
				if err := p.Validate(ctx, w.ID, accesses[i%2].Epoch, nil); err != nil {
					t.Errorf("the epoch it is at: %v", err)
				}
			})
		}
		asking.Wait()
	}
	all()
	var gone int
	err := p.superuser.QueryRow(ctx, "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 10000))"+
		" FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()", rolePlatform).Scan(&gone)
	if err != nil || gone < 2 {
		t.Fatalf("%d connections were closed, %v", gone, err)
	}
	all()
}
