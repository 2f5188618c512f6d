package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

var update = flag.Bool("update", false, "write testdata/manifest.json anew")

func TestManifestIsValid(t *testing.T) {
	m := sdk.Manifest()
	if err := core.CheckManifest(m); err != nil {
		t.Fatal(err)
	}
	for name, page := range map[string]string{
		"installation": m.Docs.Installation, "configuration": m.Docs.Configuration,
		"data_model": m.Docs.DataModel, "api": m.Docs.API, "events": m.Docs.Events,
	} {
		if page == "" {
			t.Errorf("docs/%s.md is missing", name)
		}
	}
}

// TestManifestIsTheContract compares the manifest, without its documentation and
// the schemas that follow from the tables, with the one that was agreed: a change of it is a change for whoever uses the
// plugin, and asks for another version.
func TestManifestIsTheContract(t *testing.T) {
	m := sdk.Manifest()
	m.Docs = abi.Docs{}
	for i := range m.Routes {
		m.Routes[i].Request, m.Routes[i].Response, m.Routes[i].Query = nil, nil, nil
	}
	got, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const golden = "testdata/manifest.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the manifest is not %s. If that is meant, raise the version and run the test with -update.", golden)
	}
}
