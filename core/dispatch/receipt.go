package dispatch

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// receipt is how the answer to an idempotent request is found again.
type receipt struct {
	scope string // installation and actor: others' keys are never seen
	key   string
	hash  [32]byte
}

func newReceipt(in core.InstallationID, actor core.Actor, key string, request abi.Request) (*receipt, error) {
	if len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, core.Violations{{Location: "header.Idempotency-Key", Message: "must be 1 to 255 visible ASCII characters"}}.
			Err("dispatch.Request", "The Idempotency-Key is not valid.")
	}
	// The headers differ between two tries of one client; what it asks for doesn't.
	request.Headers = nil
	encoded, err := json.Marshal(request)
	if err != nil {
		return nil, core.Wrap("dispatch.Request", core.Invalid, err)
	}
	by := actorOf(actor)
	if actor.Type == core.ActorToken {
		by.Type = string(core.ActorMember) // the same person
	}
	return &receipt{scope: string(in) + " " + by.Type + " " + by.ID, key: key, hash: sha256.Sum256(encoded)}, nil
}

// remembered is a receipt's answer as it is stored.
type remembered struct {
	Invocation core.InvocationID `json:"invocation"`
	Response   abi.Response      `json:"response"`
}

func (r *receipt) remember(a Answer, now time.Time) (core.Receipt, error) {
	answer, err := json.Marshal(remembered{a.Invocation, a.Response})
	if err != nil {
		return core.Receipt{}, core.Wrap("dispatch.Receipt", core.Internal, err)
	}
	return core.Receipt{Scope: r.scope, Key: r.key, RequestHash: r.hash, Answer: answer, Created: now}, nil
}

func (r *receipt) replay(stored core.Receipt) (Answer, error) {
	const op = "dispatch.Receipt"
	if stored.RequestHash != r.hash {
		return Answer{}, core.E(op, core.Invalid,
			"This Idempotency-Key was used for another request. Use a new key for "+
				"each request, and the same one only to send it again.")
	}
	var first remembered
	if err := json.Unmarshal(stored.Answer, &first); err != nil {
		return Answer{}, core.Wrap(op, core.Internal, err)
	}
	return Answer{Response: first.Response, Invocation: first.Invocation, Replayed: true}, nil
}
