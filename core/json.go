package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// CheckJSON says what is wrong with a text that should be one JSON value, and
// where; nothing of one that is, and means the same to every reader. Besides what
// is no JSON it finds a member that is given twice, of which some take the first
// and some the last, half of a surrogate pair, which each replaces by something
// else, and bytes that aren't UTF-8. The place is empty where it is the whole.
func CheckJSON(text []byte) (at, fault string) { return checkJSON(text, false) }

// CheckStorable is CheckJSON, and finds the character U+0000 too: not every
// database can keep it.
func CheckStorable(text []byte) (at, fault string) { return checkJSON(text, true) }

func checkJSON(text []byte, storable bool) (at, fault string) {
	s := jsonScans.Get().(*jsonScan)
	s.text, s.storable = text, storable
	at, fault = s.run()
	*s = jsonScan{} // nothing of the text is kept
	jsonScans.Put(s)
	return at, fault
}

// jsonScans are for the next texts: every request has one or more.
var jsonScans = sync.Pool{New: func() any { return new(jsonScan) }}

// countValues counts the objects and lists of a JSON text, and their members,
// without reading it into memory. Of what is no JSON it counts something.
func countValues(text []byte) (n int) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case !quoted && (c == '{' || c == '[' || c == ','):
			n++
		}
	}
	return n
}

// jsonScan reads a JSON text once, from left to right.
type jsonScan struct {
	text     []byte
	storable bool
	open     []jsonLevel // objects and lists around what is being read
	names    [][]byte    // of their members so far, object by object

	// Where those begin, which is enough for most texts.
	openRoom  [6]jsonLevel
	namesRoom [16][]byte
}

// jsonLevel is an object or a list that is being read.
type jsonLevel struct {
	list  bool
	index int                 // of the item, in a list
	name  []byte              // of the member
	first int                 // of its names among all
	many  map[string]struct{} // its names, when they aren't few
}

func (l *jsonLevel) closedBy() byte {
	if l.list {
		return ']'
	}
	return '}'
}

// fewNames are compared one by one, which is faster than a map.
const fewNames = 16

// What may come next in a JSON text.
type jsonNext int

const (
	nextValue jsonNext = iota
	nextValueOrEnd
	nextName
	nextNameOrEnd
	nextColon
	nextCommaOrEnd
)

// notJSON is the fault of a text that is no JSON.
const notJSON = "is not JSON"

func (s *jsonScan) run() (at, fault string) {
	s.open, s.names = s.openRoom[:0], s.namesRoom[:0]
	next := nextValue
	for i := 0; i < len(s.text); {
		c := s.text[i]
		switch {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			i++
		case c == '"' && next != nextColon && next != nextCommaOrEnd:
			end, escaped, fault := s.stringAt(i)
			if fault == notJSON || fault == notUTF8 {
				return "", fault
			}
			if next == nextName || next == nextNameOrEnd {
				if twice := s.enter(s.text[i:end], escaped); twice && fault == "" {
					fault = "is given twice"
				}
				next = nextColon
			} else {
				next = nextCommaOrEnd
			}
			if fault != "" {
				return s.place(), fault
			}
			i = end
		case c == ':' && next == nextColon:
			next = nextValue
			i++
		case next == nextCommaOrEnd:
			if len(s.open) == 0 {
				return "", notJSON
			}
			top := &s.open[len(s.open)-1]
			switch {
			case c == ',' && top.list:
				next = nextValue
				top.index++
			case c == ',':
				next = nextName
			case c != top.closedBy():
				return "", notJSON
			default:
				s.pop()
			}
			i++
		case next == nextNameOrEnd && c == '}' || next == nextValueOrEnd && c == ']':
			s.pop()
			next = nextCommaOrEnd
			i++
		case next != nextValue && next != nextValueOrEnd:
			return "", notJSON
		case c == '{' || c == '[':
			if len(s.open) == maxDepth {
				return "", notJSON
			}
			s.push(c == '[')
			if next = nextNameOrEnd; c == '[' {
				next = nextValueOrEnd
			}
			i++
		default:
			n := wordLength(s.text[i:])
			if n == 0 {
				return "", notJSON
			}
			next = nextCommaOrEnd
			i += n
		}
	}
	if next != nextCommaOrEnd || len(s.open) > 0 {
		return "", notJSON
	}
	return "", ""
}

// maxDepth is how many objects and lists may be around a value, as for
// encoding/json.
const maxDepth = 10_000

// wordLength is the length of the number, true, false or null a text begins with;
// 0: it begins with none.
func wordLength(text []byte) int {
	for _, word := range []string{"true", "false", "null"} {
		if len(text) >= len(word) && string(text[:len(word)]) == word {
			return len(word)
		}
	}
	digits := func(i int) int {
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			i++
		}
		return i
	}
	first := 0
	if text[0] == '-' {
		first = 1
	}
	i := digits(first)
	if i == first || i > first+1 && text[first] == '0' {
		return 0
	}
	if i < len(text) && text[i] == '.' {
		fraction := i + 1
		if i = digits(fraction); i == fraction {
			return 0
		}
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		exponent := i
		if i = digits(exponent); i == exponent {
			return 0
		}
	}
	return i
}

func (s *jsonScan) push(list bool) {
	s.open = append(s.open, jsonLevel{list: list, first: len(s.names)})
}

func (s *jsonScan) pop() {
	last := len(s.open) - 1
	s.names, s.open = s.names[:s.open[last].first], s.open[:last]
}

// notUTF8 is the fault of a text that is not UTF-8.
const notUTF8 = "is not valid UTF-8"

// stringAt returns the end of the string that begins at i, whether it has
// escapes, and what is wrong with it.
func (s *jsonScan) stringAt(begin int) (end int, escaped bool, fault string) {
	var all byte // an or of the string's
	for i := begin + 1; i < len(s.text); i++ {
		c := s.text[i]
		all |= c
		switch {
		case c == '"':
			if all >= utf8.RuneSelf && !utf8.Valid(s.text[begin:i]) {
				fault = notUTF8
			}
			return i + 1, escaped, fault
		case c < ' ':
			return 0, false, notJSON
		case c == '\\':
			escaped = true
			n, wrong := s.escapeAt(i)
			if wrong != "" && fault != notJSON {
				fault = wrong
			}
			i += n - 1
		}
	}
	return 0, false, notJSON
}

// escapeAt returns the length of the escape at i, at least 1, and what is wrong
// with it.
func (s *jsonScan) escapeAt(i int) (n int, fault string) {
	if i+1 >= len(s.text) || strings.IndexByte(`"\/bfnrtu`, s.text[i+1]) < 0 {
		return 1, notJSON
	}
	if s.text[i+1] != 'u' {
		return 2, ""
	}
	unit, ok := s.unit(i + 2)
	switch {
	case !ok:
		return 1, notJSON
	case unit == 0 && s.storable:
		return 6, "holds the character U+0000, which can't be stored"
	case unit < 0xD800 || unit >= 0xE000:
		return 6, ""
	case unit < 0xDC00 && i+7 < len(s.text) && s.text[i+6] == '\\' && s.text[i+7] == 'u':
		if low, ok := s.unit(i + 8); ok && low>>10 == 0xDC00>>10 {
			return 12, ""
		}
	}
	return 6, fmt.Sprintf(`holds \u%04x, half of a character`, unit)
}

// unit is the number that four hexadecimal digits write.
func (s *jsonScan) unit(i int) (n uint64, ok bool) {
	if i+4 > len(s.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.text[i:i+4]), 16, 16)
	return n, err == nil
}

// enter notes the name of a member of the innermost object, and reports whether
// it had it.
func (s *jsonScan) enter(quoted []byte, escaped bool) (twice bool) {
	l := &s.open[len(s.open)-1]
	l.name = quoted[1 : len(quoted)-1]
	if escaped {
		var name string
		_ = json.Unmarshal(quoted, &name) // valid JSON
		l.name = []byte(name)
	}
	names := s.names[l.first:]
	if l.many == nil && len(names) == fewNames {
		l.many = make(map[string]struct{}, 2*fewNames)
		for _, name := range names {
			l.many[string(name)] = struct{}{}
		}
	}
	if l.many != nil {
		_, twice = l.many[string(l.name)]
		l.many[string(l.name)] = struct{}{}
		return twice
	}
	for _, name := range names {
		if bytes.Equal(name, l.name) {
			return true
		}
	}
	s.names = append(s.names, l.name)
	return false
}

// place is where the scan is: contact.emails[2].
func (s *jsonScan) place() string {
	var b strings.Builder
	for _, l := range s.open {
		if l.list {
			fmt.Fprintf(&b, "[%d]", l.index)
		} else {
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.Write(l.name)
		}
		if b.Len() > maxLine {
			return strings.ToValidUTF8(b.String()[:maxLine], "") + "…"
		}
	}
	return b.String()
}
