package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/carrel-dev/carrel/core"
)

// What an archive may ask of its reader's memory.
const (
	maxManifest = 64 << 20
	maxLine     = 64 << 20
	maxWindow   = 64 << 20
)

// Reader reads an archive that is whole.
type Reader struct {
	Manifest Manifest

	file  *os.File
	begin map[string]int64 // where the content of each member is
}

// Open opens an archive. It is read once, to the end: one that was cut off, in
// which a byte is another, or which this Carrel doesn't understand is Invalid. The
// caller closes it.
func Open(path string) (*Reader, error) {
	const op = "archive.Open"
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, core.E(op, core.NotFound, "There is no file %s.", path)
	}
	if err != nil {
		return nil, &core.Error{Op: op, Kind: core.Unavailable, Err: err, Msg: "The archive " + path + " can't be read."}
	}
	r := &Reader{file: file, begin: map[string]int64{}}
	err = r.checkSeal()
	if err == nil {
		err = r.list()
	}
	if err == nil {
		err = r.Manifest.check()
	}
	if err != nil {
		return nil, errors.Join(refused(op, path, err), file.Close())
	}
	return r, nil
}

// refused is the error of an archive that isn't used.
func refused(op, path string, err error) error {
	return &core.Error{Op: op, Kind: core.Invalid, Msg: fmt.Sprintf("The archive %s can't be used: %v. Nothing was changed.", path, err)}
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// checkSeal compares the end of the file with what is before it.
func (r *Reader) checkSeal() error {
	notWhole := errors.New("it is no archive of Carrel's, or was cut off or changed")
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < sealSize {
		return notWhole
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(r.file, 0, info.Size()-sealSize)); err != nil {
		return err
	}
	want, err := seal(sum)
	if err != nil {
		return err
	}
	got := make([]byte, sealSize)
	if _, err := r.file.ReadAt(got, info.Size()-sealSize); err != nil {
		return err
	}
	if string(got) != string(want) {
		return notWhole
	}
	return nil
}

// list reads the manifest, and finds the members it names where they have to be.
func (r *Reader) list() error {
	files := tar.NewReader(r.file)
	next := func(name string) (int64, error) {
		header, err := files.Next()
		if err != nil {
			return 0, fmt.Errorf("%s is missing", name)
		}
		if header.Name != name || header.Typeflag != tar.TypeReg {
			return 0, fmt.Errorf("%q is where %s has to be", header.Name, name)
		}
		return header.Size, nil
	}
	size, err := next(manifestName)
	if err != nil {
		return err
	}
	if size > maxManifest {
		return fmt.Errorf("its manifest has %d bytes", size)
	}
	about, err := io.ReadAll(files)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(about, &r.Manifest); err != nil {
		return fmt.Errorf("its manifest can't be understood: %w", err)
	}
	if r.Manifest.Format != Format {
		return fmt.Errorf("it has the format %d, and this Carrel reads %d; use the version that made it, which is %s",
			r.Manifest.Format, Format, r.Manifest.Carrel)
	}
	for _, member := range r.Manifest.Members {
		size, err := next(member.Name)
		if err != nil {
			return err
		}
		if size != member.Size {
			return fmt.Errorf("%s has %d bytes, and its manifest says %d", member.Name, size, member.Size)
		}
		// The tar reader reads whole blocks and no further.
		if r.begin[member.Name], err = r.file.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
	}
	_, err = next(sealName)
	return err
}

// check refuses an archive with something in it that would be lost.
func (m Manifest) check() error {
	seen := map[string]bool{}
	for _, member := range m.Members {
		if seen[member.Name] {
			return fmt.Errorf("it has %s twice", member.Name)
		}
		seen[member.Name] = true
		if member.Table == "" {
			continue
		}
		t, ok := table(member.Table)
		if !ok || member.Name != tablesDir+t.Name+tablesExt {
			return fmt.Errorf("it has the table %q, which this Carrel doesn't know; use the version that made it, which is %s",
				member.Table, m.Carrel)
		}
		if err := sameColumns(t, member.Columns); err != nil {
			return fmt.Errorf("%w; use the version that made it, which is %s, and let a newer server bring the database up to date afterwards",
				err, m.Carrel)
		}
	}
	for _, t := range Tables {
		if !seen[tablesDir+t.Name+tablesExt] && !m.Export {
			return fmt.Errorf("it has no table %s; use the version that made it, which is %s", t.Name, m.Carrel)
		}
	}
	return nil
}

func (r *Reader) member(name string) (Member, bool) {
	i := slices.IndexFunc(r.Manifest.Members, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return Member{}, false
	}
	return r.Manifest.Members[i], true
}

func (r *Reader) content(m Member) io.Reader {
	return io.NewSectionReader(r.file, r.begin[m.Name], m.Size)
}

// Rows calls each with the rows of a table, of which an export may have none.
func (r *Reader) Rows(ctx context.Context, t Table, each func(Row) error) error {
	member, ok := r.member(tablesDir + t.Name + tablesExt)
	if !ok {
		return nil
	}
	unzip, err := zstd.NewReader(r.content(member), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	defer unzip.Close()
	lines := bufio.NewScanner(unzip)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var n int64
	for lines.Scan() {
		n++
		if err := ctx.Err(); err != nil {
			return err
		}
		row, err := parseRow(t, lines.Bytes())
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", member.Name, n, err)
		}
		if err := each(row); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s, after line %d: %w", member.Name, n, err)
	}
	if n != member.Rows {
		return fmt.Errorf("%s has %d rows, and its manifest says %d", member.Name, n, member.Rows)
	}
	return nil
}

// Files calls each with the files below a folder, a slash at its end, by the rest
// of their names.
func (r *Reader) Files(folder string, each func(name string, content io.Reader) error) error {
	for _, member := range r.Manifest.Members {
		if name, ok := strings.CutPrefix(member.Name, folder); ok {
			if err := each(name, r.content(member)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Verify reads all there is: every member has its digest, and every row is one of
// its table. tell hears of each member before it is read.
func (r *Reader) Verify(ctx context.Context, tell func(Member)) error {
	const op = "archive.Verify"
	for _, member := range r.Manifest.Members {
		tell(member)
		if err := r.verify(ctx, member); err != nil {
			if ctx.Err() != nil {
				return core.Wrap(op, core.Timeout, err)
			}
			return refused(op, r.file.Name(), err)
		}
	}
	return nil
}

func (r *Reader) verify(ctx context.Context, member Member) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, r.content(member)); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != member.SHA256 {
		return fmt.Errorf("%s isn't what its manifest says", member.Name)
	}
	if member.Table == "" {
		return nil
	}
	t := known(member.Table)
	return r.Rows(ctx, t, func(row Row) error {
		if of := r.Manifest.Workspace; of != "" && t.Workspace != "" && row[t.Index(t.Workspace)] != string(of) {
			return fmt.Errorf("%s has a row of another workspace than %s", member.Name, of)
		}
		return nil
	})
}
