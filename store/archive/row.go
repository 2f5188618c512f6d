package archive

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// appendRow appends a row as one line of JSON, its columns in the table's order.
// Equal rows make equal lines.
func appendRow(line []byte, t Table, row Row) ([]byte, error) {
	if len(row) != len(t.Columns) {
		return nil, fmt.Errorf("%s has %d columns, and a row of %d values", t.Name, len(t.Columns), len(row))
	}
	var err error
	for i, column := range t.Columns {
		line = append(line, "{,"[min(i, 1)])
		line = append(strconv.AppendQuote(line, column.Name), ':')
		if line, err = appendValue(line, column, row[i]); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name, column.Name, err)
		}
	}
	return append(line, "}\n"...), nil
}

func appendValue(line []byte, column Column, value any) ([]byte, error) {
	if value == nil {
		if column.Null {
			return append(line, "null"...), nil
		}
		return nil, fmt.Errorf("nothing where %s has to be", column.Kind)
	}
	switch v := value.(type) {
	case int64:
		if column.Kind == Integer {
			return strconv.AppendInt(line, v, 10), nil
		}
	case bool:
		if column.Kind == Boolean {
			return strconv.AppendBool(line, v), nil
		}
	case string:
		if column.Kind == Text {
			return appendText(line, v)
		}
	case []byte:
		if column.Kind == Bytes {
			return append(base64.StdEncoding.AppendEncode(append(line, '"'), v), '"'), nil
		}
	}
	return nil, fmt.Errorf("a %T where %s has to be", value, column.Kind)
}

// Text that isn't UTF-8 can't be JSON's: it is an object of this one member, in
// base64.
const notText = "base64"

func appendText(line []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		encoded, err := json.Marshal(map[string]string{notText: base64.StdEncoding.EncodeToString([]byte(text))})
		return append(line, encoded...), err
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return nil, err
	}
	return append(line, strings.TrimSuffix(b.String(), "\n")...), nil
}

// parseRow reads a line that appendRow made. Whatever else it is, is an error.
func parseRow(t Table, line []byte) (Row, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		return nil, err
	}
	row := make(Row, len(t.Columns))
	for i, column := range t.Columns {
		raw, ok := members[column.Name]
		if !ok {
			return nil, fmt.Errorf("there is no column %s", column.Name)
		}
		delete(members, column.Name)
		var err error
		if row[i], err = parseValue(column, raw); err != nil {
			return nil, fmt.Errorf("%s: %w", column.Name, err)
		}
	}
	for name := range members {
		return nil, fmt.Errorf("this Carrel knows no column %s", name)
	}
	return row, nil
}

func parseValue(column Column, raw json.RawMessage) (any, error) {
	switch {
	case string(raw) != "null":
	case column.Null:
		return nil, nil
	default:
		return nil, fmt.Errorf("nothing where %s has to be", column.Kind)
	}
	switch column.Kind {
	case Integer:
		return strconv.ParseInt(string(raw), 10, 64)
	case Boolean:
		return strconv.ParseBool(string(raw))
	case Bytes:
		var encoded string
		if err := json.Unmarshal(raw, &encoded); err != nil {
			return nil, err
		}
		return base64.StdEncoding.Strict().DecodeString(encoded)
	default:
		return parseText(raw)
	}
}

func parseText(raw json.RawMessage) (string, error) {
	var text string
	if raw[0] != '{' {
		err := json.Unmarshal(raw, &text)
		return text, err
	}
	var other map[string]string
	if err := json.Unmarshal(raw, &other); err != nil {
		return "", err
	}
	encoded, ok := other[notText]
	if !ok || len(other) != 1 {
		return "", fmt.Errorf("an object where text has to be")
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	return string(decoded), err
}

// sameColumns compares what an archive says of a table with what is known.
func sameColumns(t Table, has []Column) error {
	for _, column := range has {
		if !slices.Contains(t.Columns, column) {
			return fmt.Errorf("its table %s has the column %s (%s), which this Carrel doesn't know", t.Name, column.Name, column.Kind)
		}
	}
	for _, column := range t.Columns {
		if !slices.Contains(has, column) {
			return fmt.Errorf("its table %s has no column %s (%s)", t.Name, column.Name, column.Kind)
		}
	}
	return nil
}
