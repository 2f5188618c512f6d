package runtime

import (
	"bytes"
	"strings"
)

// What one call may log through WASI and Extism. The operation log.write has
// its own bounds in the platform.
const (
	maxLogLines = 1_000
	maxLogLine  = 4 << 10   // bytes; longer lines are cut
	maxLogBytes = 256 << 10 // of all lines together
)

// guestLog collects what a guest prints into lines and passes them on until
// the bounds are reached.
type guestLog struct {
	write     func(level, message string)
	lines     int
	bytes     int
	partial   [2][]byte // of stdout and stderr: a line that has no end yet
	lastWords string    // the first line on stderr that says why the guest dies
}

// line passes one line on.
func (l *guestLog) line(level, message string) {
	if l.write == nil || l.full() {
		return
	}
	message = cut(message, maxLogLine)
	l.lines++
	l.bytes += len(message)
	l.write(level, message)
	if l.full() {
		l.write("warn", "The log of this call is full; what follows is dropped.")
	}
}

func (l *guestLog) full() bool { return l.lines >= maxLogLines || l.bytes >= maxLogBytes }

// print takes bytes written to descriptor 1 or 2.
func (l *guestLog) print(fd uint32, b []byte) {
	partial := &l.partial[fd-1]
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			// Beyond a line's length the rest of it is dropped, not kept.
			*partial = append(*partial, b[:min(len(b), max(0, maxLogLine+1-len(*partial)))]...)
			return
		}
		*partial = append(*partial, b[:min(end, max(0, maxLogLine+1-len(*partial)))]...)
		l.printed(fd, string(*partial))
		*partial = (*partial)[:0]
		b = b[end+1:]
	}
}

func (l *guestLog) printed(fd uint32, line string) {
	if fd == 1 {
		l.line("info", line)
		return
	}
	if l.lastWords == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		l.lastWords = firstLine(line)
	}
	l.line("warn", line)
}

// flush passes on lines that never ended.
func (l *guestLog) flush() {
	for i, partial := range l.partial {
		if len(partial) > 0 {
			l.printed(uint32(i+1), string(partial))
		}
	}
}
