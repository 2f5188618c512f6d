package mustache

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
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

// moneyOf writes {"amount": 1250, "currency": "EUR"} as "12.50 EUR".
func moneyOf(v map[string]any) (text string, ok bool) {
	number, isNumber := v["amount"].(json.Number)
	currency, isText := v["currency"].(string)
	amount, err := number.Int64()
	if len(v) != 2 || !isNumber || !isText || err != nil {
		return "", false
	}
	return abi.MajorUnits(amount, currency) + " " + currency, true
}
