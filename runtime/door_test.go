package runtime

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// A bug of ours in a function that only moves bytes is one failed call, and in
// the log.
func TestAttack28_PanicsOfQuickFunctionsAreLogged(t *testing.T) {
	const name = "write"
	original := hostDoor.functions[name]
	broken := original
	broken.call = func(guest, []uint64) { var none []int; _ = none[len(none)] }
	hostDoor.functions[name] = broken // read when an engine opens its doors
	t.Cleanup(func() { hostDoor.functions[name] = original })
	var log bytes.Buffer
	e := newEngine(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	m := load(t, e, answering("x"))
	wantError(t, e.Run(t.Context(), m, Call{Function: ExportCall}), core.OutcomeFailed, "our side")
	if !strings.Contains(log.String(), "index out of range") || !strings.Contains(log.String(), string(m.digest)) {
		t.Errorf("the log has %q", log.String())
	}
}
