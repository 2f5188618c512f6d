package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Writer writes an archive. What is in it has a size and a digest only when it is
// there, and the manifest goes first, so members are put aside in a file without a
// name. Nothing has the archive's name before it is whole and on disk.
type Writer struct {
	path    string
	aside   *os.File
	members []Member
	zip     *zstd.Encoder
}

// Create begins an archive at a path. The caller calls Finish or Abandon.
func Create(path string) (*Writer, error) {
	aside, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, err
	}
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err = errors.Join(err, os.Remove(aside.Name())); err != nil {
		return nil, errors.Join(err, aside.Close())
	}
	return &Writer{path: path, aside: aside, zip: zip}, nil
}

// Abandon gives up what was written. After Finish it does nothing.
func (w *Writer) Abandon() {
	if w.aside != nil {
		w.aside.Close() //nolint:errcheck // nobody needs it
		w.aside = nil
	}
}

// measured counts and digests what passes.
type measured struct {
	to   io.Writer
	size int64
	sum  hash.Hash
}

func measure(to io.Writer) *measured { return &measured{to: to, sum: sha256.New()} }

func (m *measured) Write(b []byte) (int, error) {
	n, err := m.to.Write(b)
	m.size += int64(n)
	m.sum.Write(b[:n]) //nolint:errcheck // it never fails
	return n, err
}

func (m *measured) digest() string { return hex.EncodeToString(m.sum.Sum(nil)) }

// File adds a file as it comes.
func (w *Writer) File(name string, content io.Reader) error {
	to := measure(w.aside)
	_, err := io.Copy(to, content)
	w.add(name, to)
	return err
}

// add adds what was written aside as a file.
func (w *Writer) add(name string, of *measured) {
	w.members = append(w.members, Member{Name: name, Size: of.size, SHA256: of.digest()})
}

// Table adds the rows that fill puts.
func (w *Writer) Table(t Table, fill func(put func(Row) error) error) error {
	to := measure(w.aside)
	w.zip.Reset(to)
	var rows int64
	var line []byte
	err := fill(func(row Row) (err error) {
		if line, err = appendRow(line[:0], t, row); err != nil {
			return err
		}
		rows++
		_, err = w.zip.Write(line)
		return err
	})
	if err = errors.Join(err, w.zip.Close()); err != nil {
		return err
	}
	w.members = append(w.members, Member{
		Name: tablesDir + t.Name + tablesExt, Table: t.Name, Columns: t.Columns, Rows: rows, Size: to.size, SHA256: to.digest(),
	})
	return nil
}

// Finish puts the archive together and gives it its name, in place of what had it.
// Its owner alone can read it. The manifest gets its members.
func (w *Writer) Finish(m *Manifest) (size int64, err error) {
	defer w.Abandon()
	m.Format, m.Members = Format, w.members
	if m.Keys == nil {
		m.Keys = []string{}
	}
	file, err := os.CreateTemp(filepath.Dir(w.path), "."+filepath.Base(w.path)+"-*") // 0600
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	size, err = w.assemble(file, *m)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(file.Name(), w.path); err != nil {
		return 0, err
	}
	return size, syncDir(filepath.Dir(w.path))
}

func (w *Writer) assemble(file *os.File, m Manifest) (size int64, err error) {
	about, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return 0, err
	}
	whole := measure(file)
	files := tar.NewWriter(whole)
	if err := files.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(about)), ModTime: m.Made}); err != nil {
		return 0, err
	}
	if _, err := files.Write(about); err != nil {
		return 0, err
	}
	var at int64
	for _, member := range m.Members {
		if err := files.WriteHeader(&tar.Header{Name: member.Name, Mode: 0o600, Size: member.Size, ModTime: m.Made}); err != nil {
			return 0, err
		}
		if _, err := io.Copy(files, io.NewSectionReader(w.aside, at, member.Size)); err != nil {
			return 0, err
		}
		at += member.Size
	}
	if err := files.Flush(); err != nil {
		return 0, err
	}
	end, err := seal(whole.sum)
	if err != nil {
		return 0, err
	}
	_, err = whole.Write(end)
	return whole.size, err
}

// sealSize is that of the end of an archive: the header of its last member, the
// digest, and the end of the tar file.
const sealSize = 512 + 512 + 1024

// seal returns the end of an archive, after all that the hash has seen. No byte of
// it can be another.
func seal(sum hash.Hash) ([]byte, error) {
	var end strings.Builder
	files := tar.NewWriter(&end)
	digest := hex.EncodeToString(sum.Sum(nil))
	err := files.WriteHeader(&tar.Header{Name: sealName, Mode: 0o600, Size: int64(len(digest))})
	if err == nil {
		_, err = io.WriteString(files, digest)
	}
	err = errors.Join(err, files.Close())
	return []byte(end.String()), err
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
