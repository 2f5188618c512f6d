package blob

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // the scheme "s3"
	"gocloud.dev/gcerrors"

	"github.com/carrel-dev/carrel/core"
)

// patience bounds one request to a bucket, of at most a blob.
const patience = 30 * time.Second

// Bucket holds objects by their keys. Its methods may be called concurrently.
type Bucket struct {
	bucket *blob.Bucket
	folder string // empty: it is of S3
}

// Open opens a bucket: a folder, also as file:///path, which is made when it is
// missing; or s3://bucket?region=… with credentials from where the tools of S3 find
// them. Nobody is asked whether a bucket of S3 is there: see Check. The caller closes it.
func Open(ctx context.Context, where string) (*Bucket, error) {
	const op = "blob.Open"
	if path, ok := strings.CutPrefix(where, "file://"); ok {
		where = path
	}
	if !strings.Contains(where, "://") {
		folder, err := filepath.Abs(where)
		if err == nil && where == "" || strings.Contains(where, "?") {
			err = errors.New("it is no path")
		}
		if err == nil {
			err = os.MkdirAll(folder, 0o700)
		}
		var b *blob.Bucket
		if err == nil {
			// Temporary files beside the others: a rename to another disk fails.
			b, err = fileblob.OpenBucket(folder, &fileblob.Options{NoTempDir: true, DirFileMode: 0o700, Metadata: fileblob.MetadataDontWrite})
		}
		if err != nil {
			return nil, &core.Error{Op: op, Kind: core.Unavailable, Err: err, Msg: "The folder " + where + " can't be used for blobs. Name another with --blobs."}
		}
		return &Bucket{bucket: b, folder: folder}, nil
	}
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.Path != "" {
		return nil, core.E(op, core.Invalid, "Blobs are kept in a folder or in s3://bucket?region=…; --blobs names neither.")
	}
	b, err := blob.OpenBucket(ctx, where)
	if err != nil {
		return nil, &core.Error{Op: op, Kind: core.Invalid, Err: err, Msg: "The bucket " + u.Host + " can't be used as --blobs says: " + err.Error() + "."}
	}
	return &Bucket{bucket: b}, nil
}

// Close lets go of the bucket.
func (b *Bucket) Close() error { return b.bucket.Close() }

// Check fails while the bucket can't be read.
func (b *Bucket) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	there, err := b.bucket.IsAccessible(ctx)
	if err == nil && !there {
		err = errors.New("there is no such bucket, or this server may not read it")
	}
	return core.Wrap("blob.Check", core.Unavailable, err)
}

// Put writes an object, whole or not at all, and returns when it is durable.
func (b *Bucket) Put(ctx context.Context, key string, data []byte) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var file *os.File
	w, err := b.bucket.NewWriter(ctx, key, &blob.WriterOptions{
		ContentType: "application/octet-stream", // or it would keep the first bytes back, to guess
		BeforeWrite: func(as func(any) bool) error { as(&file); return nil },
	})
	if err != nil {
		return failed("blob.Put", err)
	}
	if _, err = w.Write(data); err == nil && file != nil {
		err = file.Sync()
	}
	if err != nil {
		cancel() // or Close would give it its name
		return failed("blob.Put", errors.Join(err, w.Close()))
	}
	if err = w.Close(); err == nil && b.folder != "" {
		err = b.syncFolders(key)
	}
	return failed("blob.Put", err)
}

// syncFolders makes the names on the way to an object durable: any of the folders
// may be new.
func (b *Bucket) syncFolders(key string) error {
	for folder := filepath.Dir(filepath.Join(b.folder, key)); len(folder) >= len(b.folder); folder = filepath.Dir(folder) {
		dir, err := os.Open(folder)
		if err != nil {
			return err
		}
		if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Get reads an object of a size. NotFound: there is none. One that is longer is cut
// off one byte behind its size, so that it isn't taken for what it should be.
func (b *Bucket) Get(ctx context.Context, key string, size int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := b.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, failed("blob.Get", err)
	}
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	return data, failed("blob.Get", errors.Join(err, r.Close()))
}

// Delete removes an object, if it is there.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := failed("blob.Delete", b.bucket.Delete(ctx, key))
	if core.KindOf(err) == core.NotFound {
		return nil
	}
	return err
}

// DeleteAll removes the objects whose keys begin with a prefix, which ends with a
// slash, and returns how many there were.
func (b *Bucket) DeleteAll(ctx context.Context, prefix string) (deleted int64, err error) {
	if !strings.HasSuffix(prefix, "/") {
		return 0, core.E("blob.DeleteAll", core.Internal, "%q is no prefix that one owner has.", prefix)
	}
	err = b.List(ctx, prefix, func(key string, _ time.Time) error {
		deleted++
		return b.Delete(ctx, key)
	})
	if err == nil && b.folder != "" {
		err = failed("blob.DeleteAll", os.RemoveAll(filepath.Join(b.folder, filepath.FromSlash(prefix))))
	}
	return deleted, err
}

// page is how many objects are listed at a time: a folder is walked from its
// beginning for each page.
func (b *Bucket) page() int {
	if b.folder != "" {
		return 10_000
	}
	return 1000
}

// List calls each with the keys that begin with a prefix, in their order, and when
// their objects were written.
func (b *Bucket) List(ctx context.Context, prefix string, each func(key string, written time.Time) error) error {
	token := blob.FirstPageToken
	for len(token) > 0 {
		objects, next, err := b.bucket.ListPage(ctx, token, b.page(), &blob.ListOptions{Prefix: prefix})
		if err != nil {
			return failed("blob.List", err)
		}
		for _, o := range objects {
			if err := each(o.Key, o.ModTime); err != nil {
				return err
			}
		}
		token = next
	}
	return nil
}

// failed gives an error of a driver its kind.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	kind := core.Unavailable
	if gcerrors.Code(err) == gcerrors.NotFound {
		kind = core.NotFound
	}
	return &core.Error{Op: op, Kind: kind, Err: err, Msg: "The server can't reach where it keeps blobs. Try again later."}
}
