package console

import (
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

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
	return abi.MajorUnits(minor, currency)
}

// money writes an amount of a currency: "1,250.00 EUR".
func money(m core.Money) string { return moneyText(strconv.FormatInt(m.Amount, 10), m.Currency) }
