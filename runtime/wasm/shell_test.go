package wasm

import (
	"bytes"
	"testing"
)

// A shell has all of a module that another module, or its host, can see; no two
// are the same; and nothing of the code is left.
func TestShell(t *testing.T) {
	shells := map[string][]byte{}
	for name, body := range everything {
		_, woven := weave(t, withBody(body))
		shell, err := Shell(woven)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if other, taken := shells[string(shell)]; taken && !bytes.Equal(other, woven) {
			t.Errorf("%s has the shell of another module", name)
		}
		shells[string(shell)] = woven
		c, err := check(shell, Unbounded, true)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, b := range c.bodies {
			if got := shell[b.code:b.end]; !bytes.Equal(got, []byte{opUnreachable, opEnd}) {
				t.Errorf("%s: a function does % x", name, got)
			}
		}
		before, err := Parse(woven)
		if err != nil {
			t.Fatal(err)
		}
		after, err := Parse(shell)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := len(before.Exports), len(after.Exports); a != b || len(before.Imports) != len(after.Imports) || before.Functions() != after.Functions() {
			t.Errorf("%s: %d exports became %d", name, a, b)
		}
	}
	if _, err := Shell([]byte("not a module")); err == nil {
		t.Error("a shell of nothing")
	}
}
