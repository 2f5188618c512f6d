package secret_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/core"
)

func place(path ...string) core.SecretPlace {
	return core.SecretPlace{Workspace: "ws_1", Installation: "ins_1", Path: path}
}

// lines writes a key file and reads it.
func lines(t *testing.T, lines ...string) (secret.Keys, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return secret.Read(file)
}

func line(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

func mustRead(t *testing.T, of ...string) secret.Keys {
	t.Helper()
	keys, err := lines(t, of...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestACreatedKeyIsItsOwnersAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret.key")
	created, err := secret.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	read, err := secret.Read(file)
	if err != nil || read.ID() != created.ID() {
		t.Fatalf("%s, %v; created %s", read.ID(), err, created.ID())
	}
	sealed, err := created.Seal(place("a"), []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := read.Open(place("a"), sealed); err != nil || string(plain) != "canary" {
		t.Errorf("%s, %v", plain, err)
	}
	before, _ := os.ReadFile(file)
	if _, err := secret.Create(file); core.KindOf(err) != core.Exists {
		t.Errorf("again: %v", err)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("the key was changed")
	}
	if _, err := secret.Read(file + ".no"); core.KindOf(err) != core.NotFound {
		t.Errorf("no file: %v", err)
	}
}

func TestKeyFilesThatAreNone(t *testing.T) {
	for name, of := range map[string][]string{
		"empty": {""}, "only a comment": {"# key"}, "short": {"c2hvcnQ="}, "not base64": {strings.Repeat("?", 44)},
		"one is short": {line(1), "c2hvcnQ="}, "long": {line(1)[:43] + "AAAA="},
	} {
		_, err := lines(t, of...)
		if core.KindOf(err) != core.Invalid || !strings.Contains(core.MessageOf(err), "openssl rand -base64 32") || strings.Contains(err.Error(), "c2hvcnQ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	keys := mustRead(t, "# two, and Windows' line ends", line(1)+"\r", "", "  "+line(2))
	if keys.ID() != mustRead(t, line(1)).ID() || !keys.Has(mustRead(t, line(2)).ID()) {
		t.Error("both are keys, and the first one seals")
	}
}

func TestKeysTakeOver(t *testing.T) {
	first, both, second := mustRead(t, line(1)), mustRead(t, line(2), line(1)), mustRead(t, line(2))
	old, err := first.Seal(place("a"), []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := both.Open(place("a"), old); err != nil || string(plain) != "canary" || both.Current(old) || !first.Current(old) {
		t.Errorf("%s, %v", plain, err)
	}
	fresh, err := both.Seal(place("a"), []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := second.Open(place("a"), fresh); err != nil || string(plain) != "canary" || !second.Current(fresh) {
		t.Errorf("%s, %v", plain, err)
	}
	if _, err := second.Open(place("a"), old); core.KindOf(err) != core.Unavailable || !strings.Contains(core.MessageOf(err), first.ID()) {
		t.Errorf("without the old key: %v", err)
	}
	if string(first.Derive("a")) == string(first.Derive("b")) || string(first.Derive("a")) == string(second.Derive("a")) || len(first.Derive("a")) != 32 {
		t.Error("what is derived is of one key and one purpose")
	}
}

// TestAttack63_SealedBytesAreOfOnePlace: nothing sealed opens anywhere else, or
// after a bit was changed, and the same secret is never sealed the same way.
func TestAttack63_SealedBytesAreOfOnePlace(t *testing.T) {
	keys := mustRead(t, line(1))
	sealed, err := keys.Seal(place("a", "b"), []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := keys.Seal(place("a", "b"), []byte("canary")); again == sealed || strings.Contains(sealed, "canary") {
		t.Errorf("%s, and again %s", sealed, again)
	}
	for _, other := range []core.SecretPlace{
		place(), place("a"), place("ab"), place("a.b"), place("b", "a"), place("a", "b", ""), place("", "a", "b"),
		{Workspace: "ws_2", Installation: "ins_1", Path: []string{"a", "b"}}, {Workspace: "ws_1", Installation: "ins_2", Path: []string{"a", "b"}},
		{Workspace: "ws_1ins_1", Path: []string{"a", "b"}}, {Workspace: "ws_1", Installation: "ins_1a", Path: []string{"b"}},
	} {
		if plain, err := keys.Open(other, sealed); err == nil {
			t.Errorf("%+v opens %s", other, plain)
		}
	}
	for i := range len(sealed) {
		for _, c := range []byte("A.x") {
			changed := sealed[:i] + string(c) + sealed[i+1:]
			if changed == sealed {
				continue
			}
			if plain, err := keys.Open(place("a", "b"), changed); err == nil && i < len(sealed)-1 { // of the last letter not all bits count
				t.Errorf("changed at %d it opens %s", i, plain)
			}
		}
		if _, err := keys.Open(place("a", "b"), sealed[:i]); err == nil {
			t.Errorf("cut at %d it opens", i)
		}
	}
}
