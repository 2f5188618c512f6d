package runtime

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// choosing is a module that answers a part of "AB". Two of them differ in a
// constant in their code and in nothing else.
func choosing(offset int32) []byte {
	return asm{imports: carrelImports, memory: pages(1), data: "AB", funcs: []asmFunc{speaks(1), {
		name: ExportCall, signature: ":i", code: slices.Concat(i32Const(offset), i32Const(1), asmCall(0), i32Const(1), asmCall(1), []byte{0x1a}, i32Const(0)),
	}}}.bytes()
}

// Modules whose shells would be the same, but for their names, run their own
// code, made just now or found in the cache, one after the other or together.
func TestModulesOfOneShape(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		e := newEngine(t, Config{CacheDir: dir})
		for offset, want := range []string{"A", "B"} {
			m := load(t, e, choosing(int32(offset)))
			if got := must(t, e.Run(t.Context(), m, Call{Function: ExportCall})); got != want {
				t.Fatalf("answered %q, not %q", got, want)
			}
		}
	}
}

// A release that is in the cache is loaded without its bytes; one that isn't
// needs them, and an error in getting them is the caller's to see.
func TestLoadAsksForBytesOnlyOnce(t *testing.T) {
	dir, module := t.TempDir(), choosing(1)
	gone := errors.New("gone")
	nothing := func(context.Context) ([]byte, error) { return nil, gone }
	if _, err := newEngine(t, Config{CacheDir: dir}).Load(t.Context(), DigestOf(module), nothing); !errors.Is(err, gone) {
		t.Fatalf("%v", err)
	}
	answer(t, dir, module)
	e := newEngine(t, Config{CacheDir: dir})
	m, err := e.Load(t.Context(), DigestOf(module), nothing)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(t, e.Run(t.Context(), m, Call{Function: ExportCall})); got != "B" {
		t.Error(got)
	}
}

// Code that wazero doesn't take is noticed, though the seal is right: nothing
// but traps would run in its place.
func TestCodeNotTaken(t *testing.T) {
	dir, module := t.TempDir(), choosing(0)
	answer(t, dir, module)
	path := releaseFile(t, dir, module)
	a, err := decodeArtifact(read(t, path)[sealSize:])
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(a *artifact){
		"another name":    func(a *artifact) { a.CodeName = strings.Repeat("0", len(a.CodeName)) },
		"another version": func(a *artifact) { a.code[len("WAZEVO")+1] ^= 1 }, // behind its length
		"no code":         func(a *artifact) { a.code = nil },
	} {
		spoilt := *a
		spoilt.code = bytes.Clone(a.code)
		spoil(&spoilt)
		body, err := spoilt.encode()
		if err != nil {
			t.Fatal(err)
		}
		c := cache{key: read(t, filepath.Join(dir, "key"))}
		if err := os.WriteFile(path, append(c.seal(DigestOf(module), body), body...), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, log := answer(t, dir, module); got != "A" || !strings.Contains(log, "cannot be used") {
			t.Errorf("%s: answered %q, logged %q", name, got, log)
		}
		if got, log := answer(t, dir, module); got != "A" || log != "" {
			t.Errorf("%s, second time: answered %q, logged %q", name, got, log)
		}
	}
}

// What the engine adds to a module is not an author's to call.
func TestEngineExportsAreHidden(t *testing.T) {
	e := newEngine(t, Config{Logger: slog.New(slog.DiscardHandler)})
	for _, module := range [][]byte{choosing(0), guestPlain(t)} {
		m := load(t, e, module)
		for _, name := range m.Exports() {
			if strings.HasPrefix(name, "carrel:") {
				t.Errorf("exports %s", name)
			}
		}
		for _, name := range []string{"carrel:start", "carrel:fuel"} {
			if r := e.Run(t.Context(), m, Call{Function: name}); r.Err == nil || !strings.Contains(r.Err.Error(), "no function") {
				t.Errorf("%s: %v", name, r.Err)
			}
		}
	}
}
