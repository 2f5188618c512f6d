package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answer loads a module in an engine of its own over dir and calls it; log is
// what the engine had to say.
func answer(t *testing.T, dir string, module []byte) (output, log string) {
	t.Helper()
	var lines bytes.Buffer
	e, err := New(t.Context(), Config{CacheDir: dir, Logger: slog.New(slog.NewTextHandler(&lines, nil))})
	if err != nil {
		t.Fatal(err)
	}
	m := load(t, e, module)
	output = must(t, e.Run(t.Context(), m, Call{Function: ExportCall, Input: []byte("in")}))
	if err := e.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return output, lines.String()
}

func releaseFile(t *testing.T, dir string, module []byte) string {
	t.Helper()
	return filepath.Join(dir, "releases", strings.TrimPrefix(string(DigestOf(module)), "sha256:"))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Compiled code on disk that was changed anywhere is found, deleted, compiled
// again and kept again; the answer is always right.
func TestFault11_ChangedCode(t *testing.T) {
	dir := t.TempDir()
	module := answering("right")
	if got, log := answer(t, dir, module); got != "right" || log != "" {
		t.Fatalf("%s %s", got, log)
	}
	path := releaseFile(t, dir, module)
	good := read(t, path)
	if got, log := answer(t, dir, module); got != "right" || log != "" {
		t.Fatalf("unchanged: %s %s", got, log)
	}

	type damage struct {
		name    string
		content []byte
	}
	damages := []damage{
		{"empty", nil}, {"cut in half", good[:len(good)/2]}, {"without its last byte", good[:len(good)-1]},
		{"one byte longer", append(bytes.Clone(good), 0)}, {"zeros", make([]byte, len(good))},
	}
	for i := 0; i < len(good); i += 1 + len(good)/24 {
		changed := bytes.Clone(good)
		changed[i] ^= 1 << (i % 8)
		damages = append(damages, damage{fmt.Sprintf("bit %d of byte %d", i%8, i), changed})
	}
	for _, d := range damages {
		if err := os.WriteFile(path, d.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, log := answer(t, dir, module); got != "right" || !strings.Contains(log, "damaged") {
			t.Fatalf("%s: answered %q, logged %q", d.name, got, log)
		}
		if got, log := answer(t, dir, module); got != "right" || log != "" {
			t.Fatalf("%s: the file made in its place is not good: %q, %q", d.name, got, log)
		}
	}
}

// Code of one module under another's name is not taken, though it is sealed.
// That the same code sealed for that name is taken, and runs, shows that what
// lies on disk is what runs, and what the seal is for.
func TestFault11_CodeOfAnotherModule(t *testing.T) {
	dir := t.TempDir()
	a, b := answering("A"), asm{imports: carrelImports, memory: pages(1), data: "AB", funcs: []asmFunc{speaks(1), {name: ExportCall, signature: ":i", code: bytes.Join([][]byte{
		i32Const(1), i32Const(1), asmCall(0), i32Const(1), asmCall(1), {0x1a}, i32Const(0)}, nil)}}}.bytes()
	for _, m := range [][]byte{a, b} {
		if got, _ := answer(t, dir, m); got != "A" && got != "B" {
			t.Fatal(got)
		}
	}
	pathA, pathB := releaseFile(t, dir, a), releaseFile(t, dir, b)
	sealedA, sealedB := read(t, pathA), read(t, pathB)
	if err := os.WriteFile(pathA, sealedB, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, log := answer(t, dir, a); got != "A" || !strings.Contains(log, "damaged") {
		t.Errorf("took another module's code: %s %s", got, log)
	}

	artifactA, errA := decodeArtifact(sealedA[sealSize:])
	artifactB, errB := decodeArtifact(sealedB[sealSize:])
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	artifactA.code = artifactB.code
	body, err := artifactA.encode()
	if err != nil {
		t.Fatal(err)
	}
	c := cache{key: read(t, filepath.Join(dir, "key"))}
	if err := os.WriteFile(pathA, append(c.seal(DigestOf(a), body), body...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := answer(t, dir, a); got == "A" {
		t.Error("the code on disk is never used")
	}
}

// A key that is lost, short, or open to others: nothing sealed with it counts.
func TestFault11_LostKey(t *testing.T) {
	dir := t.TempDir()
	module := answering("right")
	answer(t, dir, module)
	key := filepath.Join(dir, "key")
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	for name, spoil := range map[string]func() error{
		"gone":  func() error { return os.Remove(key) },
		"short": func() error { return os.WriteFile(key, []byte("x"), 0o600) },
		"open":  func() error { return os.Chmod(key, 0o644) },
		"link":  func() error { return errors.Join(os.Rename(key, key+"2"), os.Symlink(key+"2", key)) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if got, log := answer(t, dir, module); got != "right" || !strings.Contains(log, "damaged") {
			t.Errorf("%s: %s %q", name, got, log)
		}
		if got, log := answer(t, dir, module); got != "right" || log != "" {
			t.Errorf("%s, second time: %s %q", name, got, log)
		}
	}
}

// A directory that cannot be written any more costs time, not answers.
func TestFault09_CacheDirectoryGone(t *testing.T) {
	dir := t.TempDir()
	var lines bytes.Buffer
	e := newEngine(t, Config{CacheDir: dir, Logger: slog.New(slog.NewTextHandler(&lines, nil))})
	if err := os.RemoveAll(filepath.Join(dir, "releases")); err != nil {
		t.Fatal(err)
	}
	m := load(t, e, answering("right"))
	if got := must(t, e.Run(t.Context(), m, Call{Function: ExportCall})); got != "right" {
		t.Error(got)
	}
	if !strings.Contains(lines.String(), "cannot be kept") {
		t.Errorf("nobody was told: %q", lines.String())
	}
}

// What killed processes left is swept; what may be another one's is not.
func TestCacheSweep(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, "live-1"), filepath.Join(dir, "live-2")
	for _, d := range []string{old, young} {
		if err := os.MkdirAll(filepath.Join(d, "wazero"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	answer(t, dir, answering("x"))
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an old directory was kept")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("a young directory was deleted")
	}
	left, _ := filepath.Glob(filepath.Join(dir, "live-*"))
	if len(left) != 1 {
		t.Errorf("left %q", left)
	}
}

// The cache on disk is bounded: what was opened longest ago goes first.
func TestCacheIsTrimmed(t *testing.T) {
	dir := t.TempDir()
	for n := range 4 {
		answer(t, dir, answering(fmt.Sprint(n)))
	}
	c, err := openCache(dir, shared().log)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())     //nolint:errcheck // the directory is the test's
	answer(t, dir, answering("0")) // opened again
	one := int64(len(read(t, releaseFile(t, dir, answering("0")))))
	c.trim(2*one + one/2)
	for n, want := range []bool{true, false, false, true} {
		_, err := os.Stat(releaseFile(t, dir, answering(fmt.Sprint(n))))
		if (err == nil) != want {
			t.Errorf("module %d is there: %v", n, err == nil)
		}
	}
	c.trim(0) // the last one stays: it was just made
	if _, err := os.Stat(releaseFile(t, dir, answering("0"))); err != nil {
		t.Error(err)
	}
}
