package postgres

import (
	"context"
	"strconv"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

const blobColumns = "digest, size, type, created, object"

const (
	ofPlugin   = inWorkspace + " AND publisher = $2 AND name = $3"
	selectBlob = "SELECT " + blobColumns + " FROM blobs WHERE " + ofPlugin + " AND digest = $4"
)

// counted is what the blobs of a workspace count for.
var counted = "(SELECT coalesce(sum(greatest(size, " + strconv.Itoa(core.MinBlobCounted) + ")), 0)::bigint FROM blobs WHERE " + inWorkspace + ")"

func scanBlob(s scanner, plugin core.PluginID) (b core.Blob, err error) {
	var created int64
	err = s.Scan(&b.Digest, &b.Size, &b.Type, &created, &b.Object)
	b.Plugin, b.Created = plugin, fromMicros(created)
	return b, err
}

// Blob implements store.Backend.
func (d *documents) Blob(
	ctx context.Context, ws core.WorkspaceID, plugin core.PluginID, digest core.Digest,
) (found *core.Blob, at store.Moment, err error) {
	err = d.db.read(ctx, "postgres.Blob", ws, func(b *batch) {
		b.head(ws, &at)
		b.rows(func(s scanner) error {
			blob, err := scanBlob(s, plugin)
			found = &blob
			return err
		}, selectBlob, ws, plugin.Publisher, plugin.Name, digest)
	})
	return found, at, err
}

// Blobs returns the blobs of a plugin in a workspace, by their digests.
func (db *DB) Blobs(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) (blobs []core.Blob, err error) {
	err = db.read(ctx, "postgres.Blobs", ws, func(b *batch) {
		blobs = nil
		b.rows(func(s scanner) error {
			blob, err := scanBlob(s, plugin)
			blobs = append(blobs, blob)
			return err
		}, "SELECT "+blobColumns+" FROM blobs WHERE "+ofPlugin+" ORDER BY digest", ws, plugin.Publisher, plugin.Name)
	})
	return blobs, err
}

// putBlob refers to an object.
func (b *batch) putBlob(ws core.WorkspaceID, p core.PutBlob) {
	const op = "postgres.PutBlob"
	blob := p.Blob
	b.must(store.NewConflict(ws, store.ObjectOf{Plugin: blob.Plugin, Digest: blob.Digest}),
		"INSERT INTO blobs (workspace, publisher, name, "+blobColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
		ws, blob.Plugin.Publisher, blob.Plugin.Name, blob.Digest, blob.Size, blob.Type, micros(blob.Created), blob.Object)
	if p.Limit >= 0 {
		b.exec("SELECT expect("+counted+" <= $2, $3)", ws, p.Limit, int32(b.unless(func(int64) error { return store.BlobsFull(op, p.Limit) })))
	}
}
