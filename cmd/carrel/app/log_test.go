package app

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
)

// Of a run's log a bounded part is kept, however much a guest writes.
func TestTheFirstLinesAreKept(t *testing.T) {
	log := newGuestLog(t.Context(), slog.New(slog.DiscardHandler), dispatch.Call{})
	log.write(abi.LogRequest{Level: "info", Message: "begun", Fields: map[string]any{"row": "1", "ok": true}})
	if got := fmt.Sprint(log.lines()); got != "[{info begun map[ok:true row:1]}]" {
		t.Errorf("kept %s", got)
	}
	log.write(abi.LogRequest{Level: "info", Message: "deep", Fields: map[string]any{"list": []any{1, 2}}})
	log.write(abi.LogRequest{Level: "info", Message: strings.Repeat("x", 2*keptBytes)})
	for range 2 * keptLines {
		log.write(abi.LogRequest{Level: "info", Message: "more"})
	}
	lines := log.lines()
	if len(lines) != 3 || lines[1].Fields != nil || len(lines[2].Message) > keptBytes+3 {
		t.Errorf("kept %d lines", len(lines))
	}
	log = newGuestLog(t.Context(), slog.New(slog.DiscardHandler), dispatch.Call{})
	for range 2 * keptLines {
		log.write(abi.LogRequest{Level: "info"})
	}
	if n := len(log.lines()); n != keptLines {
		t.Errorf("kept %d lines", n)
	}
}
