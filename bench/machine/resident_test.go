package machine

import "testing"

// The memory is that of the line VmRSS, in KB; 0 where there is none.
func TestResident(t *testing.T) {
	for status, want := range map[string]float64{
		"Name:\tcarrel\nVmHWM:\t  9000 kB\nVmRSS:\t   81234 kB\nRssAnon:\t 1 kB\n": 81234,
		"Name:\tVmRSS: 5\n": 0,
		"":                  0,
	} {
		if got := resident(status); got != want {
			t.Errorf("%q: %v, want %v", status, got, want)
		}
	}
}
