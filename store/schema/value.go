package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var types = []abi.FieldType{
	abi.TypeString, abi.TypeText, abi.TypeInt, abi.TypeFloat, abi.TypeBool, abi.TypeTime, abi.TypeDate,
	abi.TypeMoney, abi.TypeEmail, abi.TypeURL, abi.TypeID, abi.TypeJSON, abi.TypeArray, abi.TypeObject,
}

// Longest values of the types that have a natural limit, in characters.
const (
	maxEmail = 254
	maxURL   = 2048
	maxID    = 200
)

// Value is a field's value. Go is nil when the field is missing or null, and
// else a bool, int64, float64 (never NaN or -0), string, time.Time (UTC) or
// core.Money; of json, array and object fields it is the same as JSON.
type Value struct {
	Go   any
	JSON json.RawMessage // canonical; nil when missing
}

// problem is why a value was refused, and where inside it ("" is the value).
type problem struct{ inside, message string }

// parse reads a JSON value of the field's type and brings it into canonical
// form. It knows the type only: max, enum and required are accept's.
func (f *Field) parse(raw json.RawMessage) (Value, *problem) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return Value{}, nil
	}
	switch f.Type {
	case abi.TypeBool:
		switch string(raw) {
		case "true":
			return Value{Go: true, JSON: raw}, nil
		case "false":
			return Value{Go: false, JSON: raw}, nil
		}
		return Value{}, &problem{"", "must be true or false"}
	case abi.TypeInt:
		n, ok := parseInt(raw)
		if !ok {
			return Value{}, &problem{"", "must be a whole number of at most 64 bits"}
		}
		return Value{Go: n, JSON: strconv.AppendInt(nil, n, 10)}, nil
	case abi.TypeFloat:
		n, ok := parseFloat(raw)
		if !ok {
			return Value{}, &problem{"", "must be a number of at most 64 bits"}
		}
		return Value{Go: n, JSON: marshal(n)}, nil
	case abi.TypeMoney:
		return parseMoney(raw)
	case abi.TypeJSON, abi.TypeArray, abi.TypeObject:
		return f.parseTree(raw)
	default:
		s, ok := core.Unquoted(raw)
		if !ok {
			return Value{}, &problem{"", "must be a string"}
		}
		return f.parseString(s)
	}
}

func (f *Field) parseString(s string) (Value, *problem) {
	if s == "" && f.blankIsMissing() {
		return Value{}, nil
	}
	switch f.Type {
	case abi.TypeTime:
		t, err := time.Parse(time.RFC3339, s)
		if t = t.UTC(); err != nil || t.Year() < 0 || t.Year() > 9999 {
			return Value{}, &problem{"", "must be a time like 2006-01-02T15:04:05Z"}
		}
		return Value{Go: t, JSON: quote(t.Format(time.RFC3339Nano))}, nil
	case abi.TypeDate:
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return Value{}, &problem{"", "must be a date like 2006-01-02"}
		}
	case abi.TypeEmail:
		s = strings.ToLower(s)
	}
	return Value{Go: s, JSON: quote(s)}, nil
}

// blankIsMissing says whether an empty string can only mean that there is no
// value, which is what languages without optional fields send.
func (f *Field) blankIsMissing() bool {
	switch f.Type {
	case abi.TypeTime, abi.TypeDate, abi.TypeEmail, abi.TypeURL, abi.TypeID:
		return true
	case abi.TypeString:
		return len(f.Enum) > 0 && !slices.Contains(f.Enum, "")
	default:
		return false
	}
}

func (f *Field) parseTree(raw json.RawMessage) (Value, *problem) {
	if f.Type == abi.TypeArray && raw[0] != '[' {
		return Value{}, &problem{"", "must be an array"}
	}
	if f.Type == abi.TypeObject && raw[0] != '{' {
		return Value{}, &problem{"", "must be an object"}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return Value{}, &problem{"", "is not valid JSON"}
	}
	return Value{Go: compact.String(), JSON: compact.Bytes()}, nil
}

var currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)

func parseMoney(raw json.RawMessage) (Value, *problem) {
	var members map[string]json.RawMessage
	if raw[0] != '{' || json.Unmarshal(raw, &members) != nil {
		return Value{}, &problem{"", `must be an amount of money like {"amount": 1250, "currency": "EUR"}, in minor units`}
	}
	for name := range members {
		if name != "amount" && name != "currency" {
			return Value{}, &problem{"." + shorten(name), "unknown member; money has amount and currency"}
		}
	}
	amount, ok := parseInt(members["amount"])
	if !ok {
		return Value{}, &problem{".amount", "must be a whole number of minor units"}
	}
	var currency string
	if json.Unmarshal(members["currency"], &currency) != nil || !currencyPattern.MatchString(currency) {
		return Value{}, &problem{".currency", "must be a currency code like EUR"}
	}
	m := core.Money{Amount: amount, Currency: currency}
	return Value{Go: m, JSON: marshal(m)}, nil
}

// parseInt reads an int64. A number written with a fraction or an exponent is
// one too when it is whole and a float64 holds it exactly: some guests know
// only floats.
func parseInt(raw json.RawMessage) (int64, bool) {
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, json.Valid(raw) // refuses +1 and 01
	}
	x, ok := parseFloat(raw)
	if !ok || x != math.Trunc(x) || math.Abs(x) > 1<<53 || !bytes.ContainsAny(raw, ".eE") {
		return 0, false
	}
	return int64(x), true
}

func parseFloat(raw json.RawMessage) (float64, bool) {
	var x float64
	if len(raw) == 0 || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') || json.Unmarshal(raw, &x) != nil {
		return 0, false
	}
	return x + 0, true // -0 + 0 is 0
}

// accept parses a value and holds it against the field's declaration.
func (f *Field) accept(raw json.RawMessage, at string, wrong *core.Violations) Value {
	v, bad := f.parse(raw)
	if bad == nil {
		bad = f.violates(v)
	}
	if bad != nil {
		wrong.Add(at+bad.inside, "%s", bad.message)
		return Value{}
	}
	return v
}

func (f *Field) violates(v Value) *problem {
	if v.Go == nil {
		if f.Required {
			return &problem{"", "is required"}
		}
		return nil
	}
	switch f.Type {
	case abi.TypeString, abi.TypeText, abi.TypeEmail, abi.TypeURL, abi.TypeID:
		return f.violatesString(v.Go.(string))
	case abi.TypeArray:
		if f.Max > 0 {
			var items []json.RawMessage
			if json.Unmarshal(v.JSON, &items) == nil && len(items) > f.Max {
				return &problem{"", "at most " + strconv.Itoa(f.Max) + " items"}
			}
		}
	}
	return nil
}

func (f *Field) violatesString(s string) *problem {
	limit := f.Max
	switch f.Type {
	case abi.TypeEmail:
		limit = least(limit, maxEmail)
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
			return &problem{"", "must be an email address"}
		}
	case abi.TypeURL:
		limit = least(limit, maxURL)
		if u, err := url.Parse(s); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return &problem{"", "must be an http or https address"}
		}
	case abi.TypeID:
		limit = least(limit, maxID)
	}
	if f.Required && s == "" {
		return &problem{"", "is required"}
	}
	if limit > 0 && utf8.RuneCountInString(s) > limit {
		return &problem{"", "at most " + strconv.Itoa(limit) + " characters"}
	}
	if len(f.Enum) > 0 && !slices.Contains(f.Enum, s) {
		return &problem{"", "must be one of " + strings.Join(f.Enum, ", ")}
	}
	return nil
}

// least is the smaller of two limits, where 0 is no limit.
func least(declared, natural int) int {
	if declared == 0 {
		return natural
	}
	return min(declared, natural)
}

// Compare orders two values of one field: null first, false before true,
// numbers by size, strings by their bytes (so `Z` before `a`), times by
// instant, money by currency and then amount.
func Compare(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	switch a := a.(type) {
	case bool:
		if a == b.(bool) {
			return 0
		} else if !a {
			return -1
		}
		return 1
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return strings.Compare(a, b.(string))
	case time.Time:
		return a.Compare(b.(time.Time))
	default:
		x, y := a.(core.Money), b.(core.Money)
		return cmp.Or(strings.Compare(x.Currency, y.Currency), cmp.Compare(x.Amount, y.Amount))
	}
}

// quote is marshal of a string.
func quote(s string) json.RawMessage {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return marshal(s)
		}
	}
	return append(append(append(make(json.RawMessage, 0, len(s)+2), '"'), s...), '"')
}

// marshal encodes without the escapes that only matter inside HTML.
func marshal(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings, finite numbers and core.Money: cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// shorten keeps a name from the outside short enough to be part of a message.
func shorten(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}
