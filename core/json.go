package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CheckJSON says where a JSON text means different things to different readers,
// and why; nothing of one that doesn't. It looks for a member that is given
// twice, of which some take the first and some the last, for half of a
// surrogate pair, which each replaces by something else, and for bytes that
// aren't UTF-8. The text must be valid JSON otherwise.
func CheckJSON(text []byte) (at, fault string) {
	s := jsonScan{text: text}
	return s.run()
}

// CheckStorable is CheckJSON, and finds the character U+0000 too: not every
// database can keep it.
func CheckStorable(text []byte) (at, fault string) {
	s := jsonScan{text: text, storable: true}
	return s.run()
}

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
}

// jsonLevel is an object or a list that is being read.
type jsonLevel struct {
	list  bool
	index int                 // of the item, in a list
	named bool                // the object's next string is a value: its name has been read
	name  []byte              // of the member
	names [][]byte            // of the members so far, while they are few
	many  map[string]struct{} // of the members so far, when they aren't
}

// fewNames are compared one by one, which is faster than a map.
const fewNames = 16

func (s *jsonScan) run() (at, fault string) {
	if !utf8.Valid(s.text) {
		return "", "is not valid UTF-8"
	}
	for i := 0; i < len(s.text); i++ {
		switch s.text[i] {
		case '{', '[':
			s.push(s.text[i] == '[')
		case '}', ']':
			s.open = s.open[:len(s.open)-1]
		case ',':
			top := &s.open[len(s.open)-1]
			top.index, top.named = top.index+1, false
		case '"':
			end, escaped, fault := s.stringAt(i)
			quoted := s.text[i:end]
			i = end - 1
			if n := len(s.open); n > 0 && !s.open[n-1].list && !s.open[n-1].named {
				if twice := s.open[n-1].enter(quoted, escaped); twice && fault == "" {
					fault = "is given twice"
				}
			}
			if fault != "" {
				return s.place(), fault
			}
		}
	}
	return "", ""
}

func (s *jsonScan) push(list bool) {
	var names [][]byte
	if n := len(s.open); n < cap(s.open) {
		names = s.open[:n+1][n].names[:0] // of an object that was closed
	}
	s.open = append(s.open, jsonLevel{list: list, names: names})
}

// stringAt returns the end of the string that begins at i, whether it has
// escapes, and what is wrong with it.
func (s *jsonScan) stringAt(i int) (end int, escaped bool, fault string) {
	for i++; s.text[i] != '"'; i++ {
		if s.text[i] != '\\' {
			continue
		}
		escaped = true
		if i++; s.text[i] != 'u' {
			continue
		}
		unit := s.unit(i + 1)
		i += 4
		switch {
		case unit == 0 && s.storable:
			fault = "holds the character U+0000, which can't be stored"
		case unit >= 0xD800 && unit < 0xDC00 && s.text[i+1] == '\\' && s.text[i+2] == 'u' && s.unit(i+3)>>10 == 0xDC00>>10:
			i += 6
		case unit >= 0xD800 && unit < 0xE000:
			fault = fmt.Sprintf(`holds \u%04x, half of a character`, unit)
		}
	}
	return i + 1, escaped, fault
}

// unit is the number four hexadecimal digits write.
func (s *jsonScan) unit(i int) uint64 {
	n, _ := strconv.ParseUint(string(s.text[i:i+4]), 16, 16) // valid JSON
	return n
}

// enter notes the name of a member, and reports whether the object had it.
func (l *jsonLevel) enter(quoted []byte, escaped bool) (twice bool) {
	l.named, l.name = true, quoted[1:len(quoted)-1]
	if escaped {
		var name string
		_ = json.Unmarshal(quoted, &name) // valid JSON
		l.name = []byte(name)
	}
	if l.many == nil && len(l.names) == fewNames {
		l.many = make(map[string]struct{}, 2*fewNames)
		for _, name := range l.names {
			l.many[string(name)] = struct{}{}
		}
	}
	if l.many != nil {
		_, twice = l.many[string(l.name)]
		l.many[string(l.name)] = struct{}{}
		return twice
	}
	for _, name := range l.names {
		if bytes.Equal(name, l.name) {
			return true
		}
	}
	l.names = append(l.names, l.name)
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
