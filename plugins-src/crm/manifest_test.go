package main

import (
	"flag"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/plugintest"
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

func TestManifestIsTheContract(t *testing.T) {
	plugintest.Contract(t, sdk.Manifest(), "testdata/manifest.json", *update)
}
