package plugintest_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/carrel-dev/carrel/sdk/plugintest"
)

func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the carrel command and a plugin")
	}
	carrel := filepath.Join(t.TempDir(), "carrel")
	if out, err := exec.Command("go", "build", "-o", carrel, "../../cmd/carrel").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("CARREL", carrel)
	manifest := plugintest.Manifest(t, plugintest.Build(t, "../../cmd/carrel/cli/testdata/hello"))
	if manifest.Name != "hello" || len(manifest.Routes) != 1 {
		t.Errorf("manifest %+v", manifest)
	}
}
