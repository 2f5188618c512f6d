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
	open, fieldBegins, lines := false, true, 0
	for i := 0; i < min(len(text), d.maxRecord); i++ {
		switch c := text[i]; {
		case c == '"' && open && strings.HasPrefix(text[i+1:], `"`):
			i++
		case c == '"' && open:
			open = false
			if i+1 < len(text) && strings.IndexByte("\r\n", text[i+1]) < 0 && text[i+1] != d.comma {
				return broken(text)
			}
		case c == '"' && fieldBegins:
			open, fieldBegins = true, false
		case c == '\n':
			if lines++; !open {
				return record{text: text[:i+1], lines: lines}
			}
		default:
			fieldBegins = c == d.comma && !open
		}
	}
	if !open && len(text) <= d.maxRecord {
		return record{text: text, lines: lines + 1}
	}
	return broken(text)
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

// count counts the records of a text that aren't blank.
func (d dialect) count(text string) (rows int) {
	for text != "" {
		r := d.next(text)
		if !r.blank() {
			rows++
		}
		text = text[len(r.text):]
	}
	return rows
}

// chunks cuts a text between records, into parts of at most size bytes unless
// one record alone is longer. Read by itself, a chunk has the records it has as
// part of the text.
func (d dialect) chunks(text string, size int) (chunks []string) {
	begin := 0
	for end := 0; end < len(text); {
		next := end + len(d.next(text[end:]).text)
		if next-begin > size && end > begin {
			chunks = append(chunks, text[begin:end])
			begin = end
		}
		end = next
	}
	if begin < len(text) {
		chunks = append(chunks, text[begin:])
	}
	return chunks
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
