package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// BlobsName is the member that holds the bytes of blobs: a tar file of its own, as
// there may be a hundred thousand of them, in which they have their keys.
const BlobsName = "blobs.tar"

// BlobsOf calls each with the blobs of a database; of one workspace, unless ws is empty.
func BlobsOf(ctx context.Context, from Snapshot, ws core.WorkspaceID, each func(core.WorkspaceID, core.Blob) error) error {
	t := known("blobs")
	return from.Rows(ctx, t, ws, func(row Row) error { return each(blobOf(t, row)) })
}

// Blobs calls each with the blobs that the archive's tables name, whether it has
// their bytes or not.
func (r *Reader) Blobs(ctx context.Context, ws core.WorkspaceID, each func(core.WorkspaceID, core.Blob) error) error {
	t := known("blobs")
	return r.Rows(ctx, t, func(row Row) error {
		of, blob := blobOf(t, row)
		if ws != "" && of != ws {
			return nil
		}
		return each(of, blob)
	})
}

func blobOf(t Table, row Row) (core.WorkspaceID, core.Blob) {
	at := func(column string) string { return row[t.Index(column)].(string) }
	return core.WorkspaceID(at("workspace")), core.Blob{
		Plugin: core.PluginID{Publisher: at("publisher"), Name: at("name")}, Digest: core.Digest(at("digest")),
		Size: row[t.Index("size")].(int64), Type: at("type"), Created: time.UnixMicro(row[t.Index("created")].(int64)).UTC(), Object: at("object"),
	}
}

// Blobs adds the bytes of a database's blobs, which read finds by their keys.
func (w *Writer) Blobs(
	ctx context.Context, from Snapshot, ws core.WorkspaceID, read func(key string, size int64) ([]byte, error), progress Progress,
) error {
	to := measure(w.aside)
	files := tar.NewWriter(to)
	var n int64
	err := BlobsOf(ctx, from, ws, func(of core.WorkspaceID, blob core.Blob) error {
		progress.say("blobs", n)
		n++
		key := blob.Key(of)
		data, err := read(key, blob.Size)
		if core.KindOf(err) == core.NotFound || err == nil && !blob.IsBytes(data) {
			return core.E("archive.Blobs", core.Unavailable, "The blob %s is damaged or gone. If its plugin was erased just now, try again. "+
				"If it is lost, --without-blobs backs up everything but blobs.", key)
		}
		if err == nil {
			err = files.WriteHeader(&tar.Header{Name: key, Mode: 0o600, Size: blob.Size, ModTime: blob.Created})
		}
		if err == nil {
			_, err = files.Write(data)
		}
		return err
	})
	if err = errors.Join(err, files.Close()); err != nil {
		return core.Wrap("archive.Blobs", core.Unavailable, err)
	}
	w.add(BlobsName, to)
	return nil
}

// Bytes calls each with the blobs whose bytes the archive has, of one workspace
// unless ws is empty. What isn't what the tables say is Invalid.
func (r *Reader) Bytes(ctx context.Context, ws core.WorkspaceID, each func(key string, data []byte) error) error {
	named := map[string]core.Blob{}
	if err := r.Blobs(ctx, ws, func(of core.WorkspaceID, blob core.Blob) error { named[blob.Key(of)] = blob; return nil }); err != nil {
		return err
	}
	return r.Files(BlobsName, func(_ string, content io.Reader) error {
		files := tar.NewReader(content)
		for {
			header, err := files.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return refused("archive.Bytes", r.file.Name(), err)
			}
			blob, wanted := named[header.Name]
			if !wanted && ws != "" {
				continue // another workspace's
			}
			data, err := io.ReadAll(io.LimitReader(files, core.MaxBlob+1))
			if err != nil || !wanted || !blob.IsBytes(data) {
				return refused("archive.Bytes", r.file.Name(), errors.Join(fmt.Errorf("%s has a blob %s that its tables don't name", BlobsName, header.Name), err))
			}
			if err := each(header.Name, data); err != nil {
				return err
			}
		}
	})
}
