package runtime

import (
	"slices"
	"testing"
)

func TestProgressIsTold(t *testing.T) {
	e := newEngine(t, Config{})
	var told []string
	ctx := WithProgress(t.Context(), func(stage string) { told = append(told, stage) })
	want := []string{"checking", "weaving", "compiling", "starting"}
	if _, err := e.Verify(ctx, answering("x")); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, want) {
		t.Errorf("Verify: %q", told)
	}
	told = nil
	if _, err := e.LoadBytes(ctx, answering("x")); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, want) {
		t.Errorf("Load: %q", told)
	}
	told = nil
	if _, err := e.LoadBytes(ctx, answering("x")); err != nil || told != nil {
		t.Errorf("loaded already: %q, %v", told, err)
	}
}
