package abi

import (
	"math"
	"testing"
)

func TestMajorUnits(t *testing.T) {
	for want, one := range map[string]struct {
		minor    int64
		currency string
	}{
		"0.00": {0, "EUR"}, "0.05": {5, "EUR"}, "1250.00": {125_000, "USD"}, "-1.50": {-150, "EUR"}, "-0.50": {-50, "EUR"},
		"1250": {1_250, "JPY"}, "1.250": {1_250, "KWD"}, "0.1250": {1_250, "CLF"}, "12.50": {1_250, ""}, "12.51": {1_251, "F C"},
		"-92233720368547758.08": {math.MinInt64, "EUR"},
	} {
		if got := MajorUnits(one.minor, one.currency); got != want {
			t.Errorf("%d %s: %q, want %q", one.minor, one.currency, got, want)
		}
	}
}
