package console

import (
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// exponents are the decimals of the currencies that don't have two (ISO 4217).
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0,
	"VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

func exponentOf(currency string) int {
	if exponent, ok := exponents[currency]; ok {
		return exponent
	}
	return 2
}

// moneyText writes an amount in minor units: "1,250.00 EUR".
func moneyText(amount, currency string) string {
	return strings.TrimSpace(grouped(majorUnits(amount, currency)) + " " + currency)
}

// majorUnits moves the decimal point of a whole number of minor units; what is
// none is left alone.
func majorUnits(amount, currency string) string {
	minor, err := strconv.ParseInt(amount, 10, 64)
	if err != nil {
		return amount
	}
	sign := ""
	digits := strings.TrimPrefix(strconv.FormatInt(minor, 10), "-")
	if minor < 0 {
		sign = "-"
	}
	exponent := exponentOf(currency)
	if exponent == 0 {
		return sign + digits
	}
	if missing := exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return sign + digits[:len(digits)-exponent] + "." + digits[len(digits)-exponent:]
}

// money writes an amount of a currency: "1,250.00 EUR".
func money(m core.Money) string { return moneyText(strconv.FormatInt(m.Amount, 10), m.Currency) }
