package e2e

import (
	"slices"
	"testing"
)

// TestAttack28_AHandlerFailsAlone has handlers write, emit and record, and then
// end in every way a handler should not. Each fails its own call with a problem
// that says what happened; nothing it did is left, and the next call works.
func TestAttack28_AHandlerFailsAlone(t *testing.T) {
	w := newWorld(t, "hostile/handlers")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "enterprise")
	m := As(alice).In(acme)
	m.Install("hostile")
	m.Call("hostile", "POST /ok", nil).want(200)

	for _, attack := range []struct {
		route  string
		status int
		kind   string
	}{
		{"POST /trap", 500, "internal"},
		{"POST /exit", 500, "internal"},
		{"POST /rubbish", 500, "internal"},
		{"POST /forged", 500, "internal"},
		{"POST /loop", 504, "timeout"},
		{"POST /hog", 500, "internal"},
		{"POST /flood", 0, ""}, // refused by the budget until its time is up, or by its size
	} {
		t.Run(attack.route[len("POST /"):], func(t *testing.T) {
			failed := m.Call("hostile", attack.route, nil)
			if attack.kind == "" {
				if failed.status < 400 {
					t.Fatalf("it is answered %d %s", failed.status, failed.raw)
				}
			} else if failed.status != attack.status || failed.text("kind") != attack.kind || len(failed.text("detail")) < 20 {
				t.Fatalf("got %d %s", failed.status, failed.raw)
			}
			m.Call("hostile", "POST /ok", nil).want(200)
		})
	}

	// The successful calls, and nothing else.
	successes := 1 + 7
	if n := len(m.Call("hostile", "GET /victims", nil).want(200).list("data")); n != successes {
		t.Errorf("%d documents, want %d", n, successes)
	}
	emitted := slices.DeleteFunc(m.all("", "/events"), func(e map[string]any) bool { return e["source"] == "/core" })
	if n := len(emitted); n != successes {
		t.Errorf("%d events, want %d", n, successes)
	}
	usage := m.API("GET", "/usage", nil).want(200).list("data")
	i := slices.IndexFunc(usage, func(u any) bool { return u.(map[string]any)["meter"] == "hostile.effects" })
	if i < 0 || usage[i].(map[string]any)["quantity"] != float64(successes) {
		t.Errorf("usage is %v, want %d effects", usage, successes)
	}

	// The log of invocations has them all the same, with how they ended.
	w.restart()
	outcomes := map[string]string{}
	for _, invocation := range m.all("", "/invocations") {
		outcomes[invocation["handler"].(string)] = invocation["outcome"].(string)
	}
	for handler, want := range map[string]string{
		"POST /ok": "ok", "POST /trap": "trap", "POST /exit": "trap", "POST /rubbish": "trap",
		"POST /forged": "trap", "POST /loop": "timeout", "POST /hog": "memory_exceeded",
	} {
		if outcomes[handler] != want {
			t.Errorf("%s is recorded as %q, want %q", handler, outcomes[handler], want)
		}
	}
}
