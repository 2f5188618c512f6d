package core_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// Each testdata/manifests/NAME.json holds the members in which a manifest
// differs from good.json, and NAME.golden what is then said about it.
func TestCheckManifest(t *testing.T) {
	if err := core.CheckManifest(manifest(t, "good.json")); err != nil {
		t.Fatalf("good.json is refused: %v", err)
	}
	files, err := filepath.Glob("testdata/manifests/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("only %d manifests found: %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name == "good.json" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			err := core.CheckManifest(manifest(t, name))
			if core.KindOf(err) != core.Invalid {
				t.Fatalf("kind %q, want invalid", core.KindOf(err))
			}
			var said strings.Builder
			for _, v := range core.ViolationsOf(err) {
				said.WriteString(v.Location + ": " + v.Message + "\n")
			}
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(said.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if said.String() != string(want) {
				t.Errorf("it says\n%s\nwant\n%s", said.String(), want)
			}
		})
	}
}

// manifest reads good.json and puts the members of a file over its own.
func manifest(t *testing.T, name string) abi.Manifest {
	t.Helper()
	members := map[string]json.RawMessage{}
	for _, file := range []string{"good.json", name} {
		data, err := os.ReadFile(filepath.Join("testdata/manifests", file))
		if err != nil {
			t.Fatal(err)
		}
		changed := map[string]json.RawMessage{}
		if err := json.Unmarshal(data, &changed); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		maps.Copy(members, changed)
	}
	data, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	var m abi.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// What a manifest would take of memory is known before it takes it.
func TestManifestOfManyValues(t *testing.T) {
	list := func(n int) []byte {
		return []byte(`{"abi":1,"name":"x","version":"1.0.0","docs":{"api":"` + strings.Repeat(`, [\"{`, 20_000) + `"},"tables":[` + strings.Repeat(`{},`, n) + `{}]}`)
	}
	if _, err := core.DecodeManifest("test", list(20_000)); err != nil {
		t.Errorf("a manifest of 40,000 values: %v", err)
	}
	_, err := core.DecodeManifest("test", list(700_000))
	if core.KindOf(err) != core.Invalid || !strings.Contains(core.MessageOf(err), "the limit is 50000") {
		t.Errorf("a manifest of 1,400,000 values: %v", err)
	}
}

func TestManifestListsAreBounded(t *testing.T) {
	err := core.CheckManifest(abi.Manifest{Listens: make([]abi.Listener, 9_000), Emits: make([]abi.EventType, 500)})
	if v := core.ViolationsOf(err); len(v) != 1 || v[0].Location != "listens" || !strings.Contains(v[0].Message, "9000 entries; the limit is 500") {
		t.Errorf("violations %v", v)
	}
}
