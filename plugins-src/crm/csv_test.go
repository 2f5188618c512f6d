package main

import (
	"encoding/csv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var commas = dialect{',', maxRecord}

// read takes a text apart with d, as an import does.
func read(d dialect, text string) (records []record) {
	for text != "" {
		r := d.next(text)
		records = append(records, r)
		text = text[len(r.text):]
	}
	return records
}

func TestRecords(t *testing.T) {
	for _, one := range []struct {
		name, text string
		want       [][]string // a nil record is broken
		lines      []int
	}{
		{"plain", "a,b\nc,d\n", [][]string{{"a", "b"}, {"c", "d"}}, []int{1, 1}},
		{"no last line end", "a,b\nc,d", [][]string{{"a", "b"}, {"c", "d"}}, []int{1, 1}},
		{"CRLF", "a,b\r\nc,d\r\n", [][]string{{"a", "b"}, {"c", "d"}}, []int{1, 1}},
		{"empty fields", ",\n,,\n", [][]string{{"", ""}, {"", "", ""}}, []int{1, 1}},
		{"quoted", `"a,1","say ""hi"""` + "\n", [][]string{{"a,1", `say "hi"`}}, []int{1}},
		{"quoted and empty", `"",""` + "\n", [][]string{{"", ""}}, []int{1}},
		{"line end in quotes", "\"a\r\nb\",c\nd,e\n", [][]string{{"a\r\nb", "c"}, {"d", "e"}}, []int{2, 1}},
		{"quote inside a field", "5\" pipe,b\nc,d\n", [][]string{{`5" pipe`, "b"}, {"c", "d"}}, []int{1, 1}},
		{"quote behind a space", "a, \"b\nc,d\n", [][]string{{"a", ` "b`}, {"c", "d"}}, []int{1, 1}},
		{"goes on after its quote", "\"a\"b,c\nd,e\n", [][]string{nil, {"d", "e"}}, []int{1, 1}},
		{"a stray quote, closed by a later row's", "a,\"b\nc,\"d\"\ne,f\n", [][]string{nil, {"c", "d"}, {"e", "f"}}, []int{1, 1, 1}},
		{"quote never closed", "a,\"b\nc,d\ne,f\n", [][]string{nil, {"c", "d"}, {"e", "f"}}, []int{1, 1, 1}},
		{"quote never closed, last", "a,b\nc,\"d", [][]string{{"a", "b"}, nil}, []int{1, 1}},
		{"a lone quote", `"`, [][]string{nil}, []int{1}},
		{"blank lines", "a\n\n\r\nb\n", [][]string{{"a"}, {""}, {""}, {"b"}}, []int{1, 1, 1, 1}},
	} {
		t.Run(one.name, func(t *testing.T) {
			records := read(commas, one.text)
			if len(records) != len(one.want) {
				t.Fatalf("%d records, want %d: %+v", len(records), len(one.want), records)
			}
			for i, r := range records {
				fields, fault := commas.fields(r)
				if (fault != "") != (one.want[i] == nil) || !slices.Equal(fields, one.want[i]) {
					t.Errorf("record %d is %q (%s), want %q", i, fields, fault, one.want[i])
				}
				if r.lines != one.lines[i] {
					t.Errorf("record %d takes %d lines, want %d", i, r.lines, one.lines[i])
				}
			}
		})
	}
}

// A quote that is closed too late doesn't swallow the rows between.
func TestRecordTooLong(t *testing.T) {
	text := "a,\"b\n" + strings.Repeat("c,d\n", 20) + "\",e\n"
	records := read(dialect{',', 40}, text)
	if len(records) != 22 || records[0].text != "a,\"b\n" || records[0].fault == "" || records[1].text != "c,d\n" {
		t.Errorf("%d records, the first %+v", len(records), records[0])
	}
}

// What a spreadsheet writes, the standard library's reader and this one read
// alike.
func TestRecordsLikeEncodingCSV(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	alphabet := []string{"a", "é", "\"", ",", ";", "\n", " ", ""}
	for range 500 {
		var rows [][]string
		for range 1 + random.IntN(5) {
			row := make([]string, 2)
			for i := range row {
				for range random.IntN(6) {
					row[i] += alphabet[random.IntN(len(alphabet))]
				}
			}
			rows = append(rows, row)
		}
		var b strings.Builder
		writer := csv.NewWriter(&b)
		writer.UseCRLF = random.IntN(2) == 0
		if err := writer.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		var got [][]string
		for _, r := range read(commas, b.String()) {
			fields, fault := commas.fields(r)
			if fault != "" {
				t.Fatalf("%q: %s", b.String(), fault)
			}
			for i := range fields {
				fields[i] = strings.ReplaceAll(fields[i], "\r\n", "\n")
			}
			got = append(got, fields)
		}
		if !slices.EqualFunc(got, rows, slices.Equal[[]string]) {
			t.Fatalf("%q reads as %q, want %q", b.String(), got, rows)
		}
	}
}

func FuzzChunks(f *testing.F) {
	f.Add("a,b\n\"c\nd\",e\nf,\"g\nh,i\n\n\"\"\"", byte(';'), 5, 8)
	f.Add("a,\"b\nc\n\",\"\nd", byte(','), 1, 4)
	f.Add("\r\n\r\"\",\"\r\n", byte('\t'), 3, 3)
	f.Fuzz(func(t *testing.T, text string, comma byte, size, longest int) {
		size, longest = 1+abs(size)%200, 1+abs(longest)%200
		if comma == '"' || comma == '\n' || comma == '\r' {
			return
		}
		for line := range strings.SplitAfterSeq(text, "\n") {
			if len(line) > longest {
				return // checkText refuses such a file
			}
		}
		d := dialect{comma, longest}
		whole := read(d, text)
		var parts []record
		chunks, counted := d.chunks(text, size)
		for _, chunk := range chunks {
			records := read(d, chunk)
			if len(chunk) > size && len(records) > 1 {
				t.Errorf("a chunk has %d bytes in %d records, allowed are %d", len(chunk), len(records), size)
			}
			parts = append(parts, records...)
		}
		if strings.Join(chunks, "") != text {
			t.Errorf("the chunks are %q", chunks)
		}
		if !slices.Equal(parts, whole) {
			t.Errorf("in chunks %+v, as a whole %+v", parts, whole)
		}
		lines := 0
		for _, r := range whole {
			lines += r.lines
			if len(r.text) > longest {
				t.Errorf("a record has %d bytes, allowed are %d", len(r.text), longest)
			}
			d.fields(r)
		}
		want := strings.Count(text, "\n")
		if text != "" && !strings.HasSuffix(text, "\n") {
			want++
		}
		if lines != want {
			t.Errorf("%d lines, want %d", lines, want)
		}
		whole = slices.DeleteFunc(whole, record.blank)
		if counted != len(whole) {
			t.Errorf("counted %d of %d records", counted, len(whole))
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }

func TestDetect(t *testing.T) {
	for header, comma := range map[string]byte{
		"email,name\n":           ',',
		"email;name\n":           ';',
		"email\tname\n":          '\t',
		"email\n":                ',',
		"\"email, work\";name\n": ';',
	} {
		if d := detect(header); d.comma != comma {
			t.Errorf("%q is separated by %q, want %q", header, d.comma, comma)
		}
	}
}

func TestCheckText(t *testing.T) {
	for _, one := range []struct{ name, file, problem string }{
		{"plain", "email\na@b.example\n", ""},
		{"byte order mark", "\xef\xbb\xbfemail\n", ""},
		{"empty", "", "is empty"},
		{"only a mark", "\xef\xbb\xbf\n", "is empty"},
		{"Latin-1", "email\nJos\xe9\n", "line 2 is not UTF-8"},
		{"UTF-16", "e\x00m\x00", "line 1 holds binary data"},
		{"endless line", "email\n" + strings.Repeat("x", maxRecord+1), "line 2 has more than"},
	} {
		t.Run(one.name, func(t *testing.T) {
			text, problem := checkText([]byte(one.file))
			if (problem == "") != (one.problem == "") || !strings.Contains(problem, one.problem) {
				t.Errorf("problem %q, want %q", problem, one.problem)
			}
			if problem == "" && !strings.HasPrefix(text, "email") {
				t.Errorf("text %q", text)
			}
		})
	}
}
