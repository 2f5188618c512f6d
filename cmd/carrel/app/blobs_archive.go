package app

import (
	"context"
	"errors"

	"github.com/carrel-dev/carrel/adapters/blob"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/archive"
)

// writeBlobs adds the bytes of blobs to an archive, of one workspace unless ws is
// empty. The rows are of a moment before: what a row refers to is there.
func (p Place) writeBlobs(ctx context.Context, w *archive.Writer, from archive.Snapshot, ws core.WorkspaceID, progress archive.Progress) (err error) {
	var bucket *blob.Bucket // a deployment without blobs needs none
	defer func() {
		if bucket != nil {
			err = errors.Join(err, bucket.Close())
		}
	}()
	return w.Blobs(ctx, from, ws, func(key string, size int64) (_ []byte, err error) {
		if bucket == nil {
			if bucket, err = openBucket(ctx, p.Blobs, p.DataDir); err != nil {
				return nil, err
			}
		}
		return bucket.Get(ctx, key, size)
	}, progress)
}

// arrival is the blobs of an archive, of one workspace unless ws is empty, on their
// way into a bucket.
type arrival struct {
	from   *archive.Reader
	ws     core.WorkspaceID
	bucket *blob.Bucket    // nil: the archive names no blobs
	lost   map[string]bool // keys of those whose bytes are neither in the archive nor in the bucket
}

// receiveBlobs looks for the bytes of all blobs that an archive names, and refuses to
// go on without some unless they may be lost. The caller calls close.
func (p Place) receiveBlobs(ctx context.Context, r *archive.Reader, ws core.WorkspaceID, mayLose bool) (_ *arrival, err error) {
	const op = "app.Restore"
	a := &arrival{from: r, ws: ws, lost: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(core.Wrap(op, core.Unavailable, err), a.close())
		}
	}()
	had := map[string]bool{}
	if err := r.Bytes(ctx, ws, func(key string, _ []byte) error { had[key] = true; return nil }); err != nil {
		return nil, err
	}
	err = r.Blobs(ctx, ws, func(of core.WorkspaceID, one core.Blob) (err error) {
		if a.bucket == nil {
			if a.bucket, err = openBucket(ctx, p.Blobs, p.DataDir); err != nil {
				return err
			}
		}
		key := one.Key(of)
		if had[key] {
			return nil
		}
		data, err := a.bucket.Get(ctx, key, one.Size)
		if core.KindOf(err) == core.NotFound || err == nil && !one.IsBytes(data) {
			a.lost[key], err = true, nil
		}
		return err
	})
	if err == nil && len(a.lost) > 0 && !mayLose {
		err = core.E(op, core.Unavailable,
			"The bytes of %d blobs are neither in this archive nor where --blobs says. Name the folder or bucket where they are with --blobs. "+
				"If they are lost for good, --blobs-are-lost restores everything but these. The database was not changed.", len(a.lost))
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// settle puts what the archive has into the bucket: last before the database is
// committed, as objects that nobody refers to harm nobody.
func (a *arrival) settle(ctx context.Context) error {
	return a.from.Bytes(ctx, a.ws, func(key string, data []byte) error { return a.bucket.Put(ctx, key, data) })
}

func (a *arrival) close() error {
	if a.bucket == nil {
		return nil
	}
	return a.bucket.Close()
}
