package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAttack02_MutantsWithoutThePredicateAreCaught builds the server without
// the condition that every statement on a workspace's data carries, everywhere
// or in one statement, and runs the twin-workspace suite on it: a suite that
// stays green would prove nothing.
func TestAttack02_MutantsWithoutThePredicateAreCaught(t *testing.T) {
	aboutTheFile(t)
	for _, mutant := range []struct {
		name, file, from, to string
		suite                string
		because              string // in the suite's complaint; empty: a server so mutated may fail anywhere
	}{
		{"everywhere", "predicate.go", `"workspace = ?"`, `"(workspace = ? OR 1 = 1)"`, "TestAttack01_TwinWorkspaces", ""},
		{"documents by id", "statements.go", `FROM documents WHERE " + inWorkspace + "`, `FROM documents WHERE (workspace = ? OR 1 = 1)`,
			"TestAttack01_TwinHostFunctions", "beta is told"},
		{"events", "history.go", `newest = inWorkspace + below`, `newest = "(workspace = ?1 OR 1 = 1)" + below`,
			"TestAttack01_TwinWorkspaces", "canary is in the answer"},
	} {
		t.Run(mutant.name, func(t *testing.T) {
			out, err := testMutant(t, "../store/sqlite/"+mutant.file, mutant.from, mutant.to, mutant.suite)
			switch {
			case err == nil:
				t.Errorf("%s is green on the mutant:\n%s", mutant.suite, out)
			case !strings.Contains(out, "--- FAIL: "+mutant.suite) || !strings.Contains(out, mutant.because):
				t.Errorf("%s is red on the mutant for another reason:\n%.3000s", mutant.suite, out)
			}
		})
	}
}

// testMutant runs a test on the module with every occurrence of a text in one
// file replaced by another.
func testMutant(t *testing.T, file, from, to, test string) (output string, err error) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mutated := strings.ReplaceAll(string(source), from, to)
	if mutated == string(source) {
		t.Fatalf("%s has no %s any more", file, from)
	}
	original, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	mutant, overlay := filepath.Join(t.TempDir(), "mutant.go"), filepath.Join(t.TempDir(), "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{original: mutant}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{mutant: []byte(mutated), overlay: replace} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("go", "test", "-vet=off", "-count=1", "-overlay", overlay, "-run", "^"+test+"$", ".").CombinedOutput()
	return string(out), err
}
