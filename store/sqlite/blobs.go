package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

const blobColumns = "digest, size, type, created, object"

const (
	ofPlugin   = inWorkspace + " AND publisher = ? AND name = ?"
	selectBlob = "SELECT " + blobColumns + " FROM blobs WHERE " + ofPlugin + " AND digest = ?"
)

// selectCounted is what the blobs of a workspace count for.
var selectCounted = "SELECT coalesce(sum(max(size, " + strconv.Itoa(core.MinBlobCounted) + ")), 0) FROM blobs WHERE " + inWorkspace

func scanBlob(s scanner, plugin core.PluginID) (b core.Blob, err error) {
	var created int64
	err = s.Scan(&b.Digest, &b.Size, &b.Type, &created, &b.Object)
	b.Plugin, b.Created = plugin, fromMicros(created)
	return b, err
}

// Blob implements store.Backend.
func (d *documents) Blob(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID, digest core.Digest) (*core.Blob, store.Moment, error) {
	var found *core.Blob
	at, err := d.readOnce(ctx, ws, func(ctx context.Context, s session) (err error) {
		found, err = s.blob(ctx, ws, plugin, digest)
		return err
	})
	return found, at, err
}

func (s session) blob(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID, digest core.Digest) (*core.Blob, error) {
	b, err := scanBlob(s.row(ctx, selectBlob, ws, plugin.Publisher, plugin.Name, digest), plugin)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// Blobs returns the blobs of a plugin in a workspace, by their digests.
func (db *DB) Blobs(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) ([]core.Blob, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT "+blobColumns+" FROM blobs WHERE "+ofPlugin+" ORDER BY digest", ws, plugin.Publisher, plugin.Name)
	blobs, err := collect(rows, err, func(s scanner) (core.Blob, error) { return scanBlob(s, plugin) })
	return blobs, failed("sqlite.Blobs", err)
}

// putBlob refers to an object. That the plugin keeps the blob already was found by
// validate, unless the unit didn't ask.
func putBlob(ctx context.Context, s session, ws core.WorkspaceID, p core.PutBlob) error {
	const op = "sqlite.PutBlob"
	b := p.Blob
	_, err := s.tx.ExecContext(ctx, "INSERT INTO blobs (workspace, publisher, name, "+blobColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		ws, b.Plugin.Publisher, b.Plugin.Name, b.Digest, b.Size, b.Type, micros(b.Created), b.Object)
	if err = failed(op, err); core.KindOf(err) == core.Exists {
		return store.NewConflict(ws, store.ObjectOf{Plugin: b.Plugin, Digest: b.Digest})
	}
	if err != nil || p.Limit < 0 {
		return err
	}
	var counted int64
	if err := s.tx.QueryRowContext(ctx, selectCounted, ws).Scan(&counted); err != nil {
		return failed(op, err)
	}
	if counted > p.Limit {
		return store.BlobsFull(op, p.Limit)
	}
	return nil
}
