package cli

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// writes collects what was written, write by write.
type writes struct {
	io.Writer
	all []string
}

func (w *writes) Write(b []byte) (int, error) {
	w.all = append(w.all, string(b))
	return len(b), nil
}

// TestLogLinesWaitAMoment: lines of a moment are written together and soon, those
// that matter at once and behind what came before, and long ones don't pile up.
func TestLogLinesWaitAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got writes
		to := newLogLines(&got)
		log := newLogger(to, "json").With("request", "req_1")
		expect := func(when string, messages ...string) {
			t.Helper()
			synctest.Wait()
			var found []string
			for _, written := range got.all {
				var together []string
				for line := range strings.Lines(written) {
					_, rest, _ := strings.Cut(line, `"msg":"`)
					message, _, _ := strings.Cut(rest, `"`)
					together = append(together, message[:min(len(message), 10)])
				}
				found = append(found, strings.Join(together, "+"))
			}
			if got.all = nil; !slices.Equal(found, messages) {
				t.Errorf("%s: written %q, want %q", when, found, messages)
			}
		}
		log.Info("one")
		log.Info("two")
		time.Sleep(logDelay - 1)
		expect("before the moment is over")
		time.Sleep(time.Nanosecond)
		expect("after it", "one+two")
		log.Info("three")
		time.Sleep(logDelay)
		expect("a moment later", "three")
		log.Info("four")
		log.Warn("five")
		expect("at a warning", "four+five")
		log.Info(strings.Repeat("x", logRoom))
		expect("a long line", "xxxxxxxxxx")
		log.Info("six")
		if err := to.Flush(); err != nil {
			t.Error(err)
		}
		expect("at the end", "six")
		time.Sleep(time.Hour)
		expect("an hour later")
	})
}
