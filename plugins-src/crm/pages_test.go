package main

import (
	"slices"
	"testing"

	"github.com/carrel-dev/carrel/sdk/ui"
)

func TestAFormKeepsWhatIsChosen(t *testing.T) {
	options := ui.Options("EUR", "USD")
	for chosen, want := range map[string][]string{"": {"EUR", "USD"}, "USD": {"EUR", "USD"}, "HUF": {"EUR", "USD", "HUF"}} {
		var got []string
		for _, o := range including(options, chosen, chosen) {
			got = append(got, o.Value)
		}
		if !slices.Equal(got, want) {
			t.Errorf("with %q: %q", chosen, got)
		}
	}
}

// TestReached adds up a funnel: who is in a later stage has come through the
// earlier ones.
func TestReached(t *testing.T) {
	stages := []StageReport{{Figures: Figures{Count: 5}}, {Figures: Figures{Count: 0}}, {Figures: Figures{Count: 2}}}
	if got := reached(stages); !slices.Equal(got, []float64{7, 2, 2}) {
		t.Error(got)
	}
}
