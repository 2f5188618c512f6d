package plugintest

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/carrel-dev/carrel/core/abi"
)

// Contract compares a plugin's manifest, without its documentation and the
// schemas that follow from its tables, with the one that was agreed and lies in
// the file golden: a change of it is a change for whoever uses the plugin, and
// asks for another version. With update the file is written anew first.
func Contract(t testing.TB, m abi.Manifest, golden string, update bool) {
	t.Helper()
	m.Docs = abi.Docs{}
	routes := make([]abi.Route, len(m.Routes))
	for i, r := range m.Routes {
		r.Request, r.Response, r.Query = nil, nil, nil
		routes[i] = r
	}
	m.Routes = routes
	got, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if update {
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
