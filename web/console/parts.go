package console

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
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
