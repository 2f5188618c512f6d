package main

import (
	"slices"
	"testing"
)

// TestSpread makes a crowd at the front of a column wider and wider apart: the
// order stays, there is a free place before it, and those far off are not moved.
func TestSpread(t *testing.T) {
	crowd := []seat{{"a", 11}, {"b", 12}, {"c", 13}, {"d", 10 + spacing}, {"e", 10 + 2*spacing}}
	free, shifts := spread(10, crowd, false)
	if len(shifts) != 3 || free <= 10 {
		t.Fatalf("a free place at %d, and shifted are %v", free, shifts)
	}
	before := free
	for i, shift := range shifts {
		if shift.id != crowd[i].id || shift.position-before < elbow {
			t.Errorf("shifted to %v behind %d", shift, before)
		}
		before = shift.position
	}
	if before >= crowd[3].position {
		t.Errorf("the last shifted is at %d, behind its neighbour at %d", before, crowd[3].position)
	}

	dense := crowd[:3]
	if _, shifts := spread(10, dense, false); shifts != nil {
		t.Errorf("room was made between neighbours that have none: %v", shifts)
	}
	free, shifts = spread(10, dense, true)
	if free != 10+spacing || !slices.Equal(shifts, []seat{{"a", 10 + 2*spacing}, {"b", 10 + 3*spacing}, {"c", 10 + 4*spacing}}) {
		t.Errorf("at the end of a column: %d, %v", free, shifts)
	}
}

func TestIsCurrency(t *testing.T) {
	for code, want := range map[string]bool{"EUR": true, "JPY": true, "eur": false, "EU": false, "EURO": false, "E1R": false, "ÄÖ": false} {
		if got := isCurrency(code); got != want {
			t.Errorf("%q: %v", code, got)
		}
	}
}
