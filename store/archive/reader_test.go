package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
)

// write makes an archive with two rows in each table, and a file.
func write(t testing.TB) (path string, content []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.tar")
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range Tables {
		err := w.Table(table, func(put func(Row) error) error {
			for i := range 2 {
				if err := put(rowOf(table, i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.File("registry/index.json", strings.NewReader("{}")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(&Manifest{Carrel: "0.1.0", Keys: []string{"k"}}); err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return path, content
}

func rowOf(t Table, n int) Row {
	row := make(Row, len(t.Columns))
	for i, c := range t.Columns {
		row[i] = map[Kind]any{Integer: int64(n), Text: fmt.Sprintf("%s %d", c.Name, n), Bytes: []byte{0, byte(n)}, Boolean: n == 1}[c.Kind]
	}
	return row
}

// try opens an archive and reads all of it.
func try(t testing.TB, path string, content []byte) error {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Verify(t.Context(), func(Member) {})
}

func TestAnArchiveIsItsOwnersAlone(t *testing.T) {
	path, _ := write(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("beside it are %v, %v", left, err)
	}
}

// An archive that was cut off anywhere, or of which one bit is another, is refused.
func TestAChangedArchiveIsRefused(t *testing.T) {
	path, content := write(t)
	if err := try(t, path, content); err != nil {
		t.Fatal(err)
	}
	if err := try(t, path, append(content[:len(content):len(content)], 0)); core.KindOf(err) != core.Invalid {
		t.Errorf("a byte longer: %v", err)
	}
	for cut := 0; cut < len(content); cut += 511 {
		if err := try(t, path, content[:cut]); core.KindOf(err) != core.Invalid {
			t.Errorf("cut off at %d of %d: %v", cut, len(content), err)
		}
	}
	for at := 0; at < len(content); at++ {
		if at > 600 && at < len(content)-sealSize && at%61 != 0 {
			continue
		}
		content[at] ^= 1 << (at % 8)
		if err := try(t, path, content); core.KindOf(err) != core.Invalid {
			t.Errorf("byte %d of %d changed: %v", at, len(content), err)
		}
		content[at] ^= 1 << (at % 8)
	}
}

// file is a member as a forger writes it.
type file struct {
	name    string
	content []byte
}

// unpack returns the members of an archive, all but the seal.
func unpack(t testing.TB, content []byte) (files []file) {
	t.Helper()
	from := tar.NewReader(strings.NewReader(string(content)))
	for {
		header, err := from.Next()
		if err == io.EOF {
			return files[:len(files)-1]
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{header.Name, body})
	}
}

// pack makes a whole archive of files, with a good seal.
func pack(t testing.TB, files []file) []byte {
	t.Helper()
	var b strings.Builder
	to := tar.NewWriter(&b)
	for _, f := range files {
		if err := to.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Flush(); err != nil {
		t.Fatal(err)
	}
	return sealed(t, []byte(b.String()))
}

func sealed(t testing.TB, content []byte) []byte {
	t.Helper()
	sum := sha256.New()
	sum.Write(content)
	end, err := seal(sum)
	if err != nil {
		t.Fatal(err)
	}
	return append(content, end...)
}

// What this version doesn't know, and what isn't what the manifest says, is
// refused, though the file is whole; and the message says what it is.
func TestWhatIsNotKnownIsRefused(t *testing.T) {
	path, content := write(t)
	for name, c := range map[string]struct {
		change func(*Manifest)
		says   string
	}{
		"nothing":              {func(*Manifest) {}, ""},
		"a later format":       {func(m *Manifest) { m.Format = 2 }, "format 2"},
		"another table":        {func(m *Manifest) { m.Members[0].Table = "likes" }, `"likes"`},
		"a table by two names": {func(m *Manifest) { m.Members[0].Table = "members" }, `"members"`},
		"another column": {func(m *Manifest) {
			m.Members[1].Columns = append(m.Members[1].Columns, Column{Name: "age", Kind: Integer})
		}, "age"},
		"a column of other kind": {func(m *Manifest) { m.Members[1].Columns = []Column{{Name: "id", Kind: Bytes}, Tables[1].Columns[1]} }, "id"},
		"a column less":          {func(m *Manifest) { m.Members[1].Columns = m.Members[1].Columns[:1] }, "complete"},
		"a table less":           {func(m *Manifest) { m.Members = m.Members[1:] }, "accounts"},
		"a member twice":         {func(m *Manifest) { m.Members[1] = m.Members[0] }, "accounts"},
		"more rows":              {func(m *Manifest) { m.Members[0].Rows = 3 }, "2 rows"},
		"another digest":         {func(m *Manifest) { m.Members[0].SHA256 = m.Members[1].SHA256 }, "accounts"},
		"another size":           {func(m *Manifest) { m.Members[0].Size++ }, "accounts"},
		"one workspace":          {func(m *Manifest) { m.Workspace = "ws_1" }, "ws_1"},
	} {
		files := unpack(t, content)
		var m Manifest
		if err := json.Unmarshal(files[0].content, &m); err != nil {
			t.Fatal(err)
		}
		c.change(&m)
		files[0].content, _ = json.Marshal(m)
		err := try(t, path, pack(t, files))
		if c.says == "" && err != nil || c.says != "" && (core.KindOf(err) != core.Invalid || !strings.Contains(core.MessageOf(err), c.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := rapid.SampledFrom(Tables).Draw(t, "table")
		row := make(Row, len(table.Columns))
		for i, c := range table.Columns {
			if c.Null && rapid.Bool().Draw(t, "null") {
				continue
			}
			switch c.Kind {
			case Integer:
				row[i] = rapid.Int64().Draw(t, c.Name)
			case Boolean:
				row[i] = rapid.Bool().Draw(t, c.Name)
			case Bytes:
				row[i] = rapid.SliceOf(rapid.Byte()).Draw(t, c.Name)
			case Text:
				row[i] = rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, c.Name)
			}
		}
		line, err := appendRow(nil, table, row)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseRow(table, line)
		if err != nil || !reflect.DeepEqual(back, row) || strings.Count(string(line), "\n") != 1 {
			t.Errorf("%q became %q, %v", row, back, err)
		}
	})
}

func TestLinesThatAreNoRows(t *testing.T) {
	keys := known("secret_keys")
	for _, line := range []string{
		``, `null`, `[]`, `{}`, `{"id":"a"}`, `{"id":"a","complete":1.5}`, `{"id":"a","complete":"1"}`, `{"id":"a","complete":null}`,
		`{"id":null,"complete":1}`, `{"id":1,"complete":1}`, `{"id":{"base64":"?"},"complete":1}`, `{"id":{},"complete":1}`,
		`{"id":{"base64":"","a":""},"complete":1}`, `{"id":"a","complete":1,"more":1}`, `{"id":"a","complete":1}{}`, `{"id":"a","complete":1e3}`,
	} {
		if row, err := parseRow(keys, []byte(line)); err == nil {
			t.Errorf("%s is read as %v", line, row)
		}
	}
}

// FuzzReader: whatever is in a file with a good seal, it is read or refused.
func FuzzReader(f *testing.F) {
	_, content := write(f)
	f.Add(content[:len(content)-sealSize])
	f.Add([]byte("manifest.json"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "a.tar")
		if err := try(t, path, sealed(t, content)); err != nil && core.KindOf(err) != core.Invalid {
			t.Errorf("refused with %v", err)
		}
	})
}
