package sdk

import (
	"encoding/json"
	"strconv"

	"github.com/carrel-dev/carrel/core/abi"
)

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			encoded, _ := json.Marshal(s) // a string always encodes
			return append(b, encoded...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// encode is json.Marshal, with a short cut for the values most conditions have.
func encode(value any) (json.RawMessage, error) {
	switch v := value.(type) {
	case string:
		return appendString(nil, v), nil
	case ID:
		return appendString(nil, string(v)), nil
	case int:
		return strconv.AppendInt(nil, int64(v), 10), nil
	case bool:
		return strconv.AppendBool(nil, v), nil
	default:
		return json.Marshal(value)
	}
}

// encodeQuery encodes a query; the values of its filters are JSON already.
func encodeQuery(q abi.QueryRequest) []byte {
	b := append(make([]byte, 0, 256), `{"table":`...)
	b = appendString(b, q.Table)
	for i, f := range q.Filter {
		b = append(b, separator(i, `,"filter":[`)...)
		b = appendString(append(b, `{"field":`...), f.Field)
		b = appendString(append(b, `,"op":`...), f.Op)
		b = append(append(append(b, `,"value":`...), f.Value...), '}')
	}
	if len(q.Filter) > 0 {
		b = append(b, ']')
	}
	for i, field := range q.Sort {
		b = appendString(append(b, separator(i, `,"sort":[`)...), field)
	}
	if len(q.Sort) > 0 {
		b = append(b, ']')
	}
	if q.Limit != 0 {
		b = strconv.AppendInt(append(b, `,"limit":`...), int64(q.Limit), 10)
	}
	if q.Cursor != "" {
		b = appendString(append(b, `,"cursor":`...), q.Cursor)
	}
	return append(b, '}')
}

func separator(i int, first string) string {
	if i == 0 {
		return first
	}
	return ","
}
