package main

import (
	"fmt"
	"strings"
)

// Currencies whose minor unit is not a hundredth, of ISO 4217.
const (
	withoutMinor = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	thousandths  = "BHD IQD JOD KWD LYD OMR TND"
)

// moneyText writes an amount of minor units: "1250.00 EUR", "1250 JPY".
func moneyText(amount int64, currency string) string {
	digits := 2
	switch {
	case strings.Contains(withoutMinor, currency):
		digits = 0
	case strings.Contains(thousandths, currency):
		digits = 3
	}
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	if digits == 0 {
		return fmt.Sprintf("%s%d %s", sign, amount, currency)
	}
	unit := int64(100)
	if digits == 3 {
		unit = 1000
	}
	return fmt.Sprintf("%s%d.%0*d %s", sign, amount/unit, digits, amount%unit, currency)
}
