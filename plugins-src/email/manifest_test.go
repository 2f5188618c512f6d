package main

import (
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk"
)

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
