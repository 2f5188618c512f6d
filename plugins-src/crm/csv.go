package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The reader is the import's own, because a file is cut into chunks that are
// read one after another, much later: each record must know its physical lines,
// and one that is broken must not take the rest of the file with it.

// maxRecord is how many bytes a record may have, its line end included.
const maxRecord = 32 << 10

// record is one record of a CSV text.
type record struct {
	text  string // with its line end
	lines int    // physical lines it takes
	fault string // why it cannot be read, or empty
}

// dialect is how a file writes records: what separates its columns, and how many
// bytes a record may have.
type dialect struct {
	comma     byte
	maxRecord int
}

// next takes the first record off a text that isn't empty. A record ends with a
// line, unless a quote is open; a quote opens at the very beginning of a field
// only, and closes at its end. If it doesn't, within maxRecord bytes, the record
// is broken: then it is its first line, and the next line begins a new record,
// so that one stray quote costs one row.
func (d dialect) next(text string) record {
	limited := text[:min(len(text), d.maxRecord)]
	at, lines := 0, 0
	for quoted := strings.HasPrefix(limited, `"`); ; {
		if quoted {
			end := closingQuote(limited, at+1)
			if end < 0 || end+1 < len(text) && text[end+1] != d.comma && text[end+1] != '\r' && text[end+1] != '\n' {
				return broken(text)
			}
			lines += strings.Count(limited[at:end], "\n")
			at = end + 1
		}
		line, _, ended := strings.Cut(limited[at:], "\n")
		if next := strings.Index(line, string(d.comma)+`"`); next >= 0 {
			at, quoted = at+next+1, true
			continue
		}
		switch {
		case ended:
			return record{text: text[:at+len(line)+1], lines: lines + 1}
		case len(text) <= d.maxRecord:
			return record{text: text, lines: lines + 1}
		default:
			return broken(text)
		}
	}
}

// closingQuote finds the quote that closes a field, from behind the opening one:
// two in a row stand for one in the field. It is -1 without one.
func closingQuote(text string, at int) int {
	for {
		next := strings.IndexByte(text[at:], '"')
		if next < 0 {
			return -1
		}
		at += next
		if !strings.HasPrefix(text[at+1:], `"`) {
			return at
		}
		at += 2
	}
}

// strayQuote is what is wrong with a broken record. Why the quote was not closed
// where it should be depends on what follows, so it isn't said.
const strayQuote = "a quote is opened and not closed at the end of its column"

func broken(text string) record {
	line, _, _ := strings.Cut(text, "\n")
	return record{text: text[:min(len(line)+1, len(text))], lines: 1, fault: strayQuote}
}

// blank reports whether the record is an empty line.
func (r record) blank() bool { return strings.TrimRight(r.text, "\r\n") == "" }

// fields splits a record. The fault says why it cannot be split.
func (d dialect) fields(r record) (fields []string, fault string) {
	if r.fault != "" {
		return nil, r.fault
	}
	rest := strings.TrimSuffix(strings.TrimSuffix(r.text, "\n"), "\r")
	for {
		if !strings.HasPrefix(rest, `"`) {
			field, after, more := strings.Cut(rest, string(d.comma))
			fields = append(fields, field)
			if !more {
				return fields, ""
			}
			rest = after
			continue
		}
		field, after := unquote(rest[1:])
		fields = append(fields, field)
		if after == "" {
			return fields, ""
		}
		if after[0] != d.comma {
			return nil, strayQuote
		}
		rest = after[1:]
	}
}

// unquote reads a field behind its opening quote, up to the closing one.
func unquote(text string) (field, after string) {
	var b strings.Builder
	for {
		part, rest, closed := strings.Cut(text, `"`)
		b.WriteString(part)
		if !closed || !strings.HasPrefix(rest, `"`) {
			return b.String(), rest
		}
		b.WriteByte('"')
		text = rest[1:]
	}
}

// chunks cuts a text between records, into parts of at most size bytes unless
// one record alone is longer, and counts the records that aren't blank. Read by
// itself, a chunk has the records it has as part of the text.
func (d dialect) chunks(text string, size int) (chunks []string, records int) {
	begin := 0
	for end := 0; end < len(text); {
		r := d.next(text[end:])
		if !r.blank() {
			records++
		}
		if end+len(r.text)-begin > size && end > begin {
			chunks = append(chunks, text[begin:end])
			begin = end
		}
		end += len(r.text)
	}
	if begin < len(text) {
		chunks = append(chunks, text[begin:])
	}
	return chunks, records
}

// detect finds a file's dialect by its header: of comma, semicolon and tab, the
// one that makes the most columns separates them.
func detect(text string) dialect {
	best, most := dialect{',', maxRecord}, 0
	for _, comma := range []byte{',', ';', '\t'} {
		d := dialect{comma, maxRecord}
		fields, fault := d.fields(d.next(text))
		if fault == "" && len(fields) > most {
			best, most = d, len(fields)
		}
	}
	return best
}

// checkText refuses a file that isn't what it says: not UTF-8, binary, or with a
// line no record can have. It returns the text without a byte order mark.
func checkText(file []byte) (text, problem string) {
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	line := 0
	for rest := file; len(rest) > 0; {
		line++
		one := rest
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			one = rest[:end+1]
		}
		rest = rest[len(one):]
		switch {
		case bytes.IndexByte(one, 0) >= 0:
			return "", fmt.Sprintf("line %d holds binary data; save the file as CSV in UTF-8", line)
		case !utf8.Valid(one):
			return "", fmt.Sprintf("line %d is not UTF-8; save the file as CSV in UTF-8", line)
		case len(one) > maxRecord:
			return "", fmt.Sprintf("line %d has more than %d bytes", line, maxRecord)
		}
	}
	if len(bytes.TrimSpace(file)) == 0 {
		return "", "the file is empty; its first line must name the columns"
	}
	return string(file), ""
}
