package console

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// number writes a whole number for people: 12,500.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// span writes how long something took.
func span(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	default:
		return fmt.Sprintf("%d µs", d.Microseconds())
	}
}

// words writes a name of the code for people: set_aside is "set aside".
func words[T ~string](name T) string { return strings.ReplaceAll(string(name), "_", " ") }

// indented writes JSON for people to read; what is none is shown as it is.
func indented(raw json.RawMessage) string {
	text, err := json.MarshalIndent(raw, "", "  ")
	if err != nil {
		return string(raw)
	}
	return string(text)
}

// fullness is the class of a bar: near its end from four fifths on.
func fullness(used, quota int64) string {
	switch {
	case used >= quota:
		return "full"
	case used >= quota-quota/5:
		return "near"
	default:
		return ""
	}
}

// size writes a number of bytes.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	default:
		return fmt.Sprintf("%d bytes", bytes)
	}
}

// money writes an amount of a currency.
func money(m core.Money) string {
	minor, ok := minorUnits[m.Currency]
	if !ok {
		minor = 2
	}
	digits := strconv.FormatInt(max(m.Amount, -m.Amount), 10)
	if missing := minor + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole, _ := strconv.ParseInt(digits[:len(digits)-minor], 10, 64) // of digits
	text := number(whole)
	if minor > 0 {
		text += "." + digits[len(digits)-minor:]
	}
	if m.Amount < 0 {
		text = "-" + text
	}
	return text + " " + m.Currency
}

// minorUnits are the decimal places of the currencies that don't have two
// (ISO 4217).
var minorUnits = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0,
	"VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4,
}
