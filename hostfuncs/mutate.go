package hostfuncs

import (
	"context"
	"encoding/json"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var mutateOperations = []Operation{
	{abi.OpMutate, "mutate", "", actions, "Run a mutation job of the plugin as a unit of its own.", with(mutate)},
}

// mutate cannot nest: what it runs is a mutation, and only actions may ask for it.
func mutate(ctx context.Context, h *Host, r abi.MutateRequest) (json.RawMessage, error) {
	const op = "mutate"
	declared, ok := job(h.b.Manifest, r.Handler)
	if !ok {
		return nil, undeclaredJob(op, r.Handler)
	}
	if declared.Kind != abi.KindMutation {
		return nil, core.E(op, core.Invalid,
			"The job %q is %s, and mutate runs mutations only. Start it with jobs.schedule.", r.Handler, kindPhrase[declared.Kind])
	}
	if h.b.Mutate == nil {
		return nil, core.E(op, core.Denied, "mutate is not available here.")
	}
	answer, err := h.b.Mutate(ctx, r.Handler, r.Payload)
	if err == nil && len(answer) == 0 {
		answer = json.RawMessage("null")
	}
	return answer, err
}
