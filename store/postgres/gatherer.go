package postgres

import (
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
)

const (
	// maxGathered is how many questions a statement answers at most.
	maxGathered = 64
	// lateAfter is when a statement is no longer waited for by those it doesn't answer.
	// Its connection may be dead without anybody having said so.
	lateAfter = 250 * time.Millisecond
	// lookTime bounds a statement that answers many, of whom none can end it. Each
	// goes when its own call ends.
	lookTime = 10 * time.Second
)

// gatherer answers one kind of question, which many callers have at the same time.
// While a statement is under way, those who come are gathered and asked for together
// in the next. Nobody waits for others to come; and what was sent before a question
// was asked never answers it, so that an answer is as true as if its caller had
// asked alone. Questions about the rows of different workspaces never share a
// transaction, and don't wait for each other.
type gatherer[Q comparable, A any] struct {
	op string
	// find returns an answer for each question, nil where there is none.
	find    func(ctx context.Context, ws core.WorkspaceID, questions []Q) ([]*A, error)
	late    time.Duration // lateAfter
	mu      sync.Mutex
	waiting map[core.WorkspaceID][]*gathering[Q, A] // behind a statement under way; all but the last are full
}

// gathering is what one statement asks for. Who asks the same shares the answer.
type gathering[Q comparable, A any] struct {
	questions []Q
	answers   []*A
	err       error
	done      chan struct{} // closed when answers or err are there
}

func newGatherer[Q comparable, A any](
	op string, find func(ctx context.Context, ws core.WorkspaceID, questions []Q) ([]*A, error),
) *gatherer[Q, A] {
	return &gatherer[Q, A]{op: op, find: find, late: lateAfter, waiting: map[core.WorkspaceID][]*gathering[Q, A]{}}
}

// ask waits for an answer, which others may be given as well: it is not to be
// changed. It fails with NotFound when there is none, with Timeout when ctx ends
// before, and with whatever the statement failed.
func (g *gatherer[Q, A]) ask(ctx context.Context, ws core.WorkspaceID, q Q) (answer A, err error) {
	if err := ctx.Err(); err != nil {
		return answer, failed(g.op, err)
	}
	in, place := g.join(ws, q)
	select {
	case <-in.done:
	case <-ctx.Done():
		return answer, failed(g.op, ctx.Err())
	}
	switch {
	case in.err != nil:
		return answer, in.err
	case in.answers[place] == nil:
		return answer, failed(g.op, pgx.ErrNoRows)
	default:
		return *in.answers[place], nil
	}
}

// join puts a question among those of the next statement, which is sent at once if
// none is under way.
func (g *gatherer[Q, A]) join(ws core.WorkspaceID, q Q) (in *gathering[Q, A], place int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waiting, sending := g.waiting[ws]
	if n := len(waiting); n > 0 {
		in = waiting[n-1]
		if place := slices.Index(in.questions, q); place >= 0 {
			return in, place
		}
	}
	if in == nil || len(in.questions) == maxGathered {
		in = &gathering[Q, A]{done: make(chan struct{})}
		g.waiting[ws] = append(waiting, in)
	}
	in.questions = append(in.questions, q)
	if !sending {
		go g.drain(ws)
	}
	return in, len(in.questions) - 1
}

// drain sends what waits until nothing does, or a statement was late and others went
// on without it. Those who are ready to run go first: what they are about to ask
// comes along.
func (g *gatherer[Q, A]) drain(ws core.WorkspaceID) {
	goruntime.Gosched()
	for {
		g.mu.Lock()
		waiting := g.waiting[ws]
		if len(waiting) == 0 {
			delete(g.waiting, ws)
			g.mu.Unlock()
			return
		}
		next := waiting[0]
		g.waiting[ws] = slices.Delete(waiting, 0, 1)
		g.mu.Unlock()
		late := time.AfterFunc(g.late, func() { g.drain(ws) })
		next.answers, next.err = g.send(ws, next.questions)
		close(next.done)
		if !late.Stop() {
			return
		}
	}
}

// send turns a panic of find into its error: it serves everybody.
func (g *gatherer[Q, A]) send(ws core.WorkspaceID, questions []Q) (answers []*A, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &core.Error{Op: g.op, Kind: core.Internal, Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	return g.find(ctx, ws, questions)
}

// placed is a row whose first column is the place of its question among those its
// statement answers, from 1.
type placed struct {
	scanner
	place *int64
}

// Scan implements scanner for the columns behind the first.
func (p placed) Scan(into ...any) error {
	return p.scanner.Scan(append([]any{p.place}, into...)...)
}

// gathers makes the gatherer of a query on what is of no workspace. The query's rows
// begin with the place of their question; arrays are its arguments, with a value
// for each question; scan reads the columns behind the place.
func gathers[Q comparable, A any](
	db *DB, op, query string, arrays func(questions []Q) []any, scan func(scanner) (A, error),
) *gatherer[Q, A] {
	return newGatherer(op, func(ctx context.Context, _ core.WorkspaceID, questions []Q) (answers []*A, err error) {
		err = db.find(ctx, op, func(b *batch) {
			answers = make([]*A, len(questions))
			b.rows(func(s scanner) error {
				var place int64
				answer, err := scan(placed{s, &place})
				if err == nil {
					answers[place-1] = &answer
				}
				return err
			}, query, arrays(questions)...)
		})
		return answers, err
	})
}
