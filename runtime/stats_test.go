package runtime

import (
	"log/slog"
	"testing"
)

func TestStatsCountWhatWasMadeReady(t *testing.T) {
	dir, module := t.TempDir(), answering("x")
	for _, want := range []Stats{{Compiled: 1, Failed: 1}, {Loaded: 1, Failed: 1}} {
		e, err := New(t.Context(), Config{CacheDir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		m := load(t, e, module)
		load(t, e, module) // it is ready: nothing is made
		must(t, e.Run(t.Context(), m, Call{Function: ExportCall}))
		if _, err := e.LoadBytes(t.Context(), []byte("no module")); err == nil {
			t.Fatal("what is no module was loaded")
		}
		s := e.Stats()
		if s.Loaded != want.Loaded || s.Compiled != want.Compiled || s.Failed != want.Failed || s.LoadTime+s.CompileTime <= 0 {
			t.Errorf("%+v, want %+v", s, want)
		}
		if s.Instances != 1 || s.Idle != 1 || s.MaxInstances == 0 || s.Modules != 1 || s.ModuleBytes == 0 {
			t.Errorf("after one call: %+v", s)
		}
		if err := e.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
