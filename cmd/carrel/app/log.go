package app

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
)

// Of the log of one run, as much is kept with its record.
const (
	keptLines = 50
	keptBytes = 8 << 10 // of all messages; lines with fields count their names and no more
)

// guestLog takes the lines of one run: all go to the server's log, under the
// names of who wrote them, and the first are kept for the workspace to read.
type guestLog struct {
	log func() *slog.Logger // made with the first line: most runs write none

	mu   sync.Mutex
	kept []core.LogLine
	size int
}

func newGuestLog(ctx context.Context, log *slog.Logger, call dispatch.Call) *guestLog {
	ws, plugin, invocation, handler := call.Workspace.ID, call.Installation.Alias, call.Invocation, call.Handler
	return &guestLog{log: sync.OnceValue(func() *slog.Logger {
		return log.With("request", core.TraceOf(ctx).Request, "workspace", ws, "plugin", plugin, "invocation", invocation, "handler", handler)
	})}
}

func (g *guestLog) write(line abi.LogRequest) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(line.Level)); err != nil {
		level = slog.LevelInfo
	}
	g.log().Log(context.Background(), level, line.Message, "fields", line.Fields)

	g.mu.Lock()
	defer g.mu.Unlock()
	left := keptBytes - g.size
	if len(g.kept) >= keptLines || left <= 0 {
		return
	}
	if len(line.Message) > left {
		line.Message, line.Fields = strings.ToValidUTF8(line.Message[:left], "")+"…", nil
	}
	g.size += len(line.Message)
	for name, value := range line.Fields {
		text, ok := value.(string)
		g.size += len(name) + len(text)
		if nested := !ok && !plain(value); nested || g.size > keptBytes {
			line.Fields = nil // a line that is that long is in the server's log
			break
		}
	}
	g.kept = append(g.kept, core.LogLine{Level: line.Level, Message: line.Message, Fields: line.Fields})
}

// plain reports whether a field's value is small whatever it is.
func plain(value any) bool {
	switch value.(type) {
	case nil, bool, float64:
		return true
	default:
		return false
	}
}

func (g *guestLog) lines() []core.LogLine {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept
}
