package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/carrel-dev/carrel/core"
)

// folder is a source on disk, which several processes share.
type folder struct {
	layout *layout
	// index is the index.json that was read last. It is kept open, so that its
	// inode is nobody else's: the same inode is the same file, and ours is never
	// written twice.
	index *os.File
	seen  os.FileInfo // of index; tools of others may have written it in place
}

func openFolder(ctx context.Context, dir string, logger *slog.Logger) (*folder, *catalog, error) {
	const op = "registry.Open"
	f := &folder{}
	var known *catalog
	var err error
	if f.layout, err = openLayout(ctx, dir); err == nil {
		known, err = f.load(ctx, newCatalog(nil, nil))
	}
	if core.KindOf(err) == core.Unavailable {
		return nil, nil, err // another has the lock
	}
	if err != nil {
		return nil, nil, &core.Error{Op: op, Kind: core.Unavailable, Err: err,
			Msg: fmt.Sprintf("The registry in %s cannot be read. Restore it from a backup, or start with an empty folder.", dir)}
	}
	swept, err := f.sweep(ctx, known)
	if err != nil { // leftovers are harmless, so this is no reason not to start
		logger.WarnContext(ctx, "leftovers of interrupted publications were not swept", "error", err)
	} else if swept > 0 {
		logger.InfoContext(ctx, "swept leftovers of interrupted publications", "files", swept)
	}
	return f, known, nil
}

// sweep removes what interrupted publications left behind; while somebody
// publishes, that is not told apart from what they are writing.
func (f *folder) sweep(ctx context.Context, known *catalog) (swept int, err error) {
	unlock, err := f.layout.tryLock()
	if errors.Is(err, errLocked) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer unlock()
	if known, err = f.read(ctx, known); err != nil {
		return 0, err
	}
	return f.layout.sweep(ctx, known)
}

// load implements source. It opens index.json, rather than asking for its time,
// because that is when a network file system looks at the server.
func (f *folder) load(ctx context.Context, known *catalog) (*catalog, error) {
	file, err := os.Open(f.layout.path(ocispec.ImageIndexFile))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && f.index != nil && unchanged(f.seen, info) {
		return known, file.Close()
	}
	if err == nil {
		known, err = f.layout.readIndex(ctx, file, known)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if f.index != nil {
		f.index.Close()
	}
	f.index, f.seen = file, info
	return known, nil
}

func unchanged(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// read reads what is there. The caller holds the lock, so it stays.
func (f *folder) read(ctx context.Context, known *catalog) (*catalog, error) {
	file, err := os.Open(f.layout.path(ocispec.ImageIndexFile))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return f.layout.readIndex(ctx, file, known)
}

// publish implements source. The module's blobs are written with the lock held,
// too: without it a process that opens the registry would sweep them.
func (f *folder) publish(ctx context.Context, known *catalog, e *entry, module, manifest []byte) error {
	const op = "registry.Publish"
	return f.change(ctx, op, known, func(now *catalog) error {
		if err := now.accepts(e); err != nil {
			return err
		}
		if _, err := f.layout.push(ctx, e, module, manifest); err != nil {
			return notStored(op, err)
		}
		return f.store(op, now, e)
	})
}

// yank implements source.
func (f *folder) yank(ctx context.Context, known *catalog, digest core.Digest, yanked bool) error {
	const op = "registry.Yank"
	return f.change(ctx, op, known, func(now *catalog) error {
		old, ok := now.byDigest[digest]
		if !ok {
			return noRelease(op, digest)
		}
		e := *old
		e.release.Yanked = yanked
		return f.store(op, now, &e)
	})
}

// change calls fn with what is there, and keeps others from changing it.
func (f *folder) change(ctx context.Context, op string, known *catalog, fn func(now *catalog) error) error {
	unlock, err := f.layout.lock(ctx)
	if core.KindOf(err) == core.Unavailable {
		return err
	}
	if err != nil {
		return notStored(op, err)
	}
	defer unlock()
	now, err := f.read(ctx, known)
	if err != nil {
		return &core.Error{Op: op, Kind: core.Unavailable, Err: err,
			Msg: fmt.Sprintf("The registry in %s cannot be read; nothing has changed. Restore it from a backup.", f.layout.dir)}
	}
	return fn(now)
}

// store puts an entry, new or in place of the one with its tag, into index.json.
func (f *folder) store(op string, now *catalog, e *entry) error {
	if err := f.layout.writeIndex(now.with(e), now.others); err != nil {
		return notStored(op, err)
	}
	return nil
}

// module implements source.
func (f *folder) module(ctx context.Context, e *entry) ([]byte, error) {
	module, err := f.layout.read(ctx, e.module)
	if err != nil {
		return nil, damaged("registry.Module", e.tag(), err)
	}
	return module, nil
}

// ready implements source.
func (f *folder) ready() error {
	file, err := os.Open(f.layout.path(ocispec.ImageIndexFile))
	if err != nil {
		return err
	}
	return file.Close()
}

// pace implements source: to look is to open a file.
func (f *folder) pace() pace { return pace{known: time.Second} }

func (f *folder) close() error { return f.index.Close() }

// notStored is the error of a disk that is full or otherwise fails.
func notStored(op string, cause error) error {
	return &core.Error{Op: op, Kind: core.Unavailable, Err: cause,
		Msg: "The registry could not write to its folder; nothing has changed. Check its disk and try again."}
}
