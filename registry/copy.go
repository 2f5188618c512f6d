package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/carrel-dev/carrel/core"
)

// blobName is the name of a blob in a layout.
var blobName = regexp.MustCompile(`^blobs/sha256/([0-9a-f]{64})$`)

// Copy calls put with the files of the registry in dir, which a server may have
// open: index.json first, so that what it names is among those after it. A folder
// that is not there has none.
func Copy(dir string, put func(name string, content io.Reader) error) error {
	const op = "registry.Copy"
	for _, name := range []string{ocispec.ImageIndexFile, ocispec.ImageLayoutFile} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			return nil // the layout's marker is written last
		}
		if err == nil {
			err = put(name, bytes.NewReader(content))
		}
		if err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
	}
	const blobs = ocispec.ImageBlobsDir + "/sha256/"
	files, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(blobs)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return core.Wrap(op, core.Unavailable, err)
	}
	for _, file := range files {
		if err := copyBlob(dir, blobs+file.Name(), put); err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
	}
	return nil
}

func copyBlob(dir, name string, put func(name string, content io.Reader) error) error {
	if !blobName.MatchString(name) {
		return nil // not ours
	}
	file, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if errors.Is(err, os.ErrNotExist) {
		return nil // swept meanwhile, as nothing names it
	}
	if err != nil {
		return err
	}
	defer file.Close()
	return put(name, file)
}

// Arrival is a registry that comes back from a copy. It is beside its folder until
// Settle. The zero Arrival is of none.
type Arrival struct{ dir, aside string }

// Receive begins to put a registry into dir. The caller ends it with Discard,
// after Settle, too.
func Receive(dir string) (*Arrival, error) {
	const op = "registry.Receive"
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	aside, err := os.MkdirTemp(filepath.Dir(dir), ".registry-")
	if err == nil {
		err = os.MkdirAll(filepath.Join(aside, ocispec.ImageBlobsDir, "sha256"), 0o700)
	}
	return &Arrival{dir, aside}, core.Wrap(op, core.Unavailable, err)
}

// Put adds a file that Copy gave, and waits until it is on disk. Invalid: it is
// none of a registry's.
func (a *Arrival) Put(name string, content io.Reader) error {
	const op = "registry.Put"
	blob := blobName.FindStringSubmatch(name)
	if blob == nil && name != ocispec.ImageIndexFile && name != ocispec.ImageLayoutFile {
		return core.E(op, core.Invalid, "%q is no file of a registry.", name)
	}
	file, err := os.OpenFile(filepath.Join(a.aside, filepath.FromSlash(name)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return core.Wrap(op, core.Unavailable, err)
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, sum), content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil && blob != nil && hex.EncodeToString(sum.Sum(nil)) != blob[1] {
		err = fmt.Errorf("%s has another digest: the registry it was copied from is damaged; publish its release again there", name)
	}
	return core.Wrap(op, core.Unavailable, err)
}

// Check refuses a folder with other releases in it, if any came: Exists.
func (a *Arrival) Check() error {
	const op = "registry.Check"
	if !a.any() {
		return nil
	}
	there, err := os.ReadDir(filepath.Join(a.dir, ocispec.ImageBlobsDir, "sha256"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return core.Wrap(op, core.Unavailable, err)
	}
	same, err := a.same()
	if err != nil {
		return core.Wrap(op, core.Unavailable, err)
	}
	if len(there) > 0 && !same {
		return core.E(op, core.Exists, "There are releases in %s already. Name another folder, or move that one away. Nothing was changed.", a.dir)
	}
	return nil
}

// any reports whether a registry came at all.
func (a *Arrival) any() bool {
	if a.aside == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(a.aside, ocispec.ImageIndexFile))
	return err == nil
}

// same reports whether the folder has the same releases: a restore that was ended
// after Settle is tried again.
func (a *Arrival) same() (bool, error) {
	there, err := os.ReadFile(filepath.Join(a.dir, ocispec.ImageIndexFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	come, missing := os.ReadFile(filepath.Join(a.aside, ocispec.ImageIndexFile))
	return missing == nil && bytes.Equal(there, come), err
}

// Settle gives the registry its folder. Without any file there is nothing to do.
func (a *Arrival) Settle() error {
	const op = "registry.Settle"
	if err := a.Check(); err != nil {
		return err
	}
	same, err := a.same()
	if err != nil {
		return core.Wrap(op, core.Unavailable, err)
	}
	if same || !a.any() {
		return nil
	}
	for _, folder := range []string{filepath.Join(a.aside, ocispec.ImageBlobsDir, "sha256"), a.aside} {
		if err := syncPath(folder); err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
	}
	if err := os.RemoveAll(a.dir); err != nil { // no release is in it
		return core.Wrap(op, core.Unavailable, err)
	}
	if err := os.Rename(a.aside, a.dir); err != nil {
		return core.Wrap(op, core.Unavailable, err)
	}
	return core.Wrap(op, core.Unavailable, syncPath(filepath.Dir(a.dir)))
}

// Discard removes what has not settled.
func (a *Arrival) Discard() error {
	if a.aside == "" {
		return nil
	}
	return os.RemoveAll(a.aside)
}
