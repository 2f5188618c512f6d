package abi

import (
	"strconv"
	"strings"
)

// decimals are those of the currencies that don't have two (ISO 4217).
var decimals = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0,
	"VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

// Decimals returns how many digits a currency has behind the point, by its ISO
// 4217 code; 2 for one that is not known.
func Decimals(currency string) int {
	if n, ok := decimals[currency]; ok {
		return n
	}
	return 2
}

// MajorUnits writes a number of a currency's minor units, as TypeMoney has them,
// with its point: "12.50", "1250".
func MajorUnits(minor int64, currency string) string {
	digits, sign := strconv.FormatInt(minor, 10), ""
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		digits, sign = rest, "-"
	}
	n := Decimals(currency)
	if n == 0 {
		return sign + digits
	}
	if missing := n + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return sign + digits[:len(digits)-n] + "." + digits[len(digits)-n:]
}
