package sdk

import (
	"encoding/json"
	"strconv"
	"strings"
	"unsafe"
)

// scanner walks a JSON text, decoding only what it is asked for; a byte it need
// not look at costs next to nothing. It does not check the text: what the host
// writes is valid, and anything else is decoded by encoding/json in the end. A
// text it cannot follow sets bad and ends every loop.
//
//	for s.enter('{'); s.more('}'); {
//		switch s.name() {
//		case "id":
//			id = s.string()
//		default:
//			s.skip()
//		}
//	}
type scanner struct {
	text string
	at   int
	bad  bool
}

// scan begins at the front of b, which nobody writes to afterwards: what is
// scanned is a part of it.
func scan(b []byte) scanner { return scanner{text: unsafe.String(unsafe.SliceData(b), len(b))} }

// enter goes into an object or an array.
func (s *scanner) enter(bracket byte) {
	if s.next() != bracket {
		s.bad = true
		return
	}
	s.at++
}

// more reports whether there is another member or item, and goes to it; else it
// leaves the object or the array.
func (s *scanner) more(bracket byte) bool {
	switch s.next() {
	case bracket:
		s.at++
		return false
	case ',':
		s.at++
		s.next()
	}
	return !s.bad
}

// name reads a member's name; its value is next.
func (s *scanner) name() string {
	name := s.word()
	if s.next() != ':' {
		s.bad = true
		return ""
	}
	s.at++
	s.next()
	return name
}

// word is string, quicker for one that is short and has no escapes, as names are: to
// find its end isn't worth a call.
func (s *scanner) word() string {
	if s.at < len(s.text) && s.text[s.at] == '"' {
		for end := s.at + 1; end < len(s.text) && s.text[end] != '\\'; end++ {
			if s.text[end] == '"' {
				word := s.text[s.at+1 : end]
				s.at = end + 1
				return word
			}
		}
	}
	return s.string()
}

// next goes to what is not space and returns its first byte, as peek does.
func (s *scanner) next() byte {
	if s.at < len(s.text) && s.text[s.at] > ' ' {
		return s.text[s.at]
	}
	s.space()
	return s.peek()
}

// string decodes a string. Without escapes, which is nearly always, it is a part
// of the text.
func (s *scanner) string() string {
	start := s.at
	s.skipString()
	if s.bad {
		return ""
	}
	plain := s.text[start+1 : s.at-1]
	if strings.IndexByte(plain, '\\') < 0 {
		return plain
	}
	var decoded string
	s.bad = json.Unmarshal([]byte(s.text[start:s.at]), &decoded) != nil
	return decoded
}

// integer decodes a whole number.
func (s *scanner) integer() int64 {
	n, err := strconv.ParseInt(s.skip(), 10, 64)
	s.bad = s.bad || err != nil
	return n
}

// strings decodes an object of strings.
func (s *scanner) strings() map[string]string {
	m := map[string]string{}
	for s.enter('{'); s.more('}'); {
		name := s.name()
		m[name] = s.string()
	}
	return m
}

// skip goes past a value and returns its text.
func (s *scanner) skip() string {
	start, depth := s.at, 0
	for !s.bad {
		switch c := s.peek(); c {
		case '"':
			s.skipString()
		case '{', '[':
			depth++
			s.at++
			continue
		case '}', ']':
			depth--
			s.at++
		case ',', ':', ' ', '\t', '\r', '\n':
			s.at++
			continue
		default:
			s.skipWord()
		}
		if depth <= 0 {
			break
		}
	}
	if s.bad || depth < 0 {
		s.bad = true
		return ""
	}
	return s.text[start:s.at]
}

// skipWord goes past a number, true, false or null.
func (s *scanner) skipWord() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return
		}
		s.at++
	}
}

// skipString goes past a string. A quote ends it after an even number of
// backslashes.
func (s *scanner) skipString() {
	s.expect('"')
	for start := s.at; !s.bad; {
		n := strings.IndexByte(s.text[s.at:], '"')
		if n < 0 {
			s.bad = true
			return
		}
		s.at += n + 1
		escapes := s.at - 1
		for escapes > start && s.text[escapes-1] == '\\' {
			escapes--
		}
		if (s.at-1-escapes)%2 == 0 {
			return
		}
	}
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// peek returns the next byte, and 0 at the end, which no walk ends at.
func (s *scanner) peek() byte {
	if s.at >= len(s.text) {
		s.bad = true
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) expect(c byte) {
	if s.peek() != c {
		s.bad = true
		return
	}
	s.at++
}
