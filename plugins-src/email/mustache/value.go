package mustache

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Lookup finds a dotted name in an object: "order.email".
func Lookup(values map[string]any, name string) (value any, found bool) {
	return Follow(values, strings.Split(name, "."))
}

// Follow goes from an object to one of its members, and so on.
func Follow(value any, path []string) (any, bool) {
	for _, part := range path {
		members, _ := value.(map[string]any)
		next, found := members[part]
		if !found {
			return nil, false
		}
		value = next
	}
	return value, true
}

// holds reports whether a section is shown: neither nothing, false, "", nor an
// empty list is something.
func holds(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	default:
		return true
	}
}

// textOf is a value as people read it. A list has no text, nor has an object
// that is not an amount of money.
func textOf(value any) (text string, ok bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case map[string]any:
		return moneyOf(v)
	default:
		return "", false
	}
}

// decimals are the digits behind the point of the currencies that haven't two.
var decimals = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "VND": 0, "VUV": 0,
	"XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// moneyOf writes {"amount": 1250, "currency": "EUR"} as "12.50 EUR".
func moneyOf(v map[string]any) (text string, ok bool) {
	number, isNumber := v["amount"].(json.Number)
	currency, isText := v["currency"].(string)
	amount, err := number.Int64()
	if len(v) != 2 || !isNumber || !isText || err != nil {
		return "", false
	}
	digits, sign := strconv.FormatInt(amount, 10), ""
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		digits, sign = rest, "-"
	}
	places, special := decimals[currency]
	if !special {
		places = 2
	}
	if places > 0 {
		if len(digits) <= places {
			digits = strings.Repeat("0", places+1-len(digits)) + digits
		}
		digits = digits[:len(digits)-places] + "." + digits[len(digits)-places:]
	}
	return sign + digits + " " + currency, true
}
