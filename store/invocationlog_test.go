package store

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// shelf is a database that takes records when it is told to.
type shelf struct {
	take chan error
	held int
}

// WriteInvocations implements Invocations.
func (s *shelf) WriteInvocations(_ context.Context, batch []core.InvocationRecord) error {
	err := <-s.take
	if err == nil {
		s.held += len(batch)
	}
	return err
}

// What a database doesn't take, or not soon enough, is counted: nothing is
// missing from the log unseen.
func TestWhatIsNotRecordedIsCounted(t *testing.T) {
	s := &shelf{take: make(chan error)}
	log := NewInvocationLog(s, slog.New(slog.DiscardHandler))
	const all = invocationQueue + 5*invocationBatch
	for range all {
		log.Record(core.InvocationRecord{})
	}
	overflowed := log.Lost()
	if overflowed == 0 {
		t.Error("a database that takes nothing lost nothing")
	}
	ended := make(chan struct{})
	go func() { defer close(ended); log.Close() }()
	s.take <- errors.New("it is away")
	for {
		select {
		case s.take <- nil:
			continue
		case <-ended:
		}
		break
	}
	if away := log.Lost() - overflowed; away < 1 || away > invocationBatch {
		t.Errorf("%d records were in the batch that was not taken", away)
	}
	if int64(s.held)+log.Lost() != all {
		t.Errorf("%d are held and %d lost, of %d", s.held, log.Lost(), all)
	}
}
