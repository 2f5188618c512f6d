package cli

import (
	"fmt"
	"io"
	"time"
)

// progress shows on one line of a terminal how far something has come. When w
// is no terminal it shows nothing.
type progress struct {
	w     io.Writer
	label string
	total int64
	done  int64
	shown time.Time
}

func newProgress(w io.Writer, label string, total int64) *progress {
	if !isTerminal(w) {
		w = nil
	}
	return &progress{w: w, label: label, total: total}
}

// Write counts what passes, for io.TeeReader.
func (p *progress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	if p.done == p.total {
		p.say("sent, being checked")
	} else if p.w != nil && time.Since(p.shown) > 100*time.Millisecond {
		p.shown = time.Now()
		fmt.Fprintf(p.w, "\r\x1b[K%s  %s of %s  %d%%", p.label, sizeOf(p.done), sizeOf(p.total), 100*p.done/p.total)
	}
	return len(b), nil
}

// say replaces the line with what is being waited for.
func (p *progress) say(text string) {
	if p.w != nil {
		fmt.Fprintf(p.w, "\r\x1b[K%s  %s", p.label, text)
	}
}

// end removes the line.
func (p *progress) end() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
