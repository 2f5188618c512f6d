package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// hostileManifest checks and returns what the plugin says about itself.
func hostileManifest(t *testing.T, m *Module) abi.Manifest {
	t.Helper()
	raw, err := shared().Manifest(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	var manifest abi.Manifest
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&manifest); err != nil {
		t.Fatal(err)
	}
	if err := core.CheckManifest(manifest); err != nil {
		t.Fatal(err)
	}
	return manifest
}

// Every route of the hostile plugin ends as it must, and not before it had its
// effects.
func TestHostilePlugin(t *testing.T) {
	m := load(t, shared(), guestHostile(t))
	manifest := hostileManifest(t, m)
	want := map[string]core.Outcome{
		"GET /victims": core.OutcomeOK, "POST /ok": core.OutcomeOK, "POST /rubbish": core.OutcomeOK, "POST /silence": core.OutcomeOK,
		"POST /trap": core.OutcomeTrap, "POST /exit": core.OutcomeTrap, "POST /forged": core.OutcomeTrap,
		"POST /deep": core.OutcomeTrap, "POST /hog": core.OutcomeMemoryExceeded,
		"POST /loop": core.OutcomeTimeout, "POST /flood": core.OutcomeTimeout, "POST /clear": core.OutcomeTimeout,
	}
	for _, route := range manifest.Routes {
		t.Run(route.Handler, func(t *testing.T) {
			var ops []abi.Op
			host := hostWith(func(_ context.Context, op abi.Op, _ []byte) ([]byte, error) {
				ops = append(ops, op)
				return []byte("{}"), nil
			})
			input, err := json.Marshal(abi.Invocation{Handler: route.Handler, Kind: route.Kind})
			if err != nil {
				t.Fatal(err)
			}
			outcome, known := want[route.Handler]
			limits := Limits{Memory: manifest.Limits.Memory, Time: time.Minute}
			if outcome == core.OutcomeTimeout {
				limits.Time = 2 * time.Second
			}
			var r Result
			beside(t, func() {
				r = shared().Run(t.Context(), m, Call{Function: ExportCall, Input: input, Host: host, Limits: limits})
			})
			if !known || r.Outcome != outcome || (r.Err == nil) != (outcome == core.OutcomeOK) {
				t.Errorf("%s: %v, want %s", r.Outcome, r.Err, outcome)
			}
			effects := len(ops)
			if route.Kind == abi.KindMutation && (effects < 3 || ops[0] != abi.OpDataInsert || ops[1] != abi.OpEventsEmit || ops[2] != abi.OpBillingRecord) {
				t.Errorf("operations %d", ops)
			}
		})
	}
}
