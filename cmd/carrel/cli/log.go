package cli

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// newLogger makes the server's logger, in one of the formats of --log-format.
// Warnings and errors are written at once, with all that came before them.
func newLogger(to *logLines, format string) *slog.Logger {
	var handler slog.Handler = slog.NewTextHandler(to, nil)
	if format == "json" {
		handler = slog.NewJSONHandler(to, nil)
	}
	return slog.New(urgent{handler, to})
}

type urgent struct {
	slog.Handler
	to *logLines
}

// Handle implements slog.Handler.
func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	if err := u.Handler.Handle(ctx, r); err != nil || r.Level < slog.LevelWarn {
		return err
	}
	return u.to.Flush()
}

// WithAttrs implements slog.Handler.
func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.to}
}

// WithGroup implements slog.Handler.
func (u urgent) WithGroup(name string) slog.Handler { return urgent{u.Handler.WithGroup(name), u.to} }

const (
	logDelay = 5 * time.Millisecond // the longest a line waits for others
	logRoom  = 32 << 10             // bytes that wait
)

// logLines writes lines on, those of a moment together: a busy server would
// otherwise ask the system once for each. Killed, it loses the last moment's.
type logLines struct {
	to io.Writer

	mu      sync.Mutex
	waiting []byte
	timer   *time.Timer
}

func newLogLines(to io.Writer) *logLines {
	l := &logLines{to: to}
	l.timer = time.AfterFunc(logDelay, func() { _ = l.Flush() })
	return l
}

// Write implements io.Writer. It keeps a copy.
func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.timer.Reset(logDelay)
	}
	l.waiting = append(l.waiting, b...)
	if len(l.waiting) >= logRoom {
		return len(b), l.write()
	}
	return len(b), nil
}

// Flush writes what waits.
func (l *logLines) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write()
}

func (l *logLines) write() error {
	if len(l.waiting) == 0 {
		return nil
	}
	_, err := l.to.Write(l.waiting)
	l.waiting = l.waiting[:0]
	return err
}
