package app

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"time"

	"github.com/carrel-dev/carrel/adapters/blob"
	"github.com/carrel-dev/carrel/core"
)

// blobRows are what a database knows of blobs.
type blobRows interface {
	Workspace(ctx context.Context, ref string) (core.Workspace, error)
	Blobs(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) ([]core.Blob, error)
}

// blobs is where a deployment keeps the bytes of blobs.
type blobs struct {
	*blob.Bucket
	rows blobRows
	log  *slog.Logger
}

// openBucket opens the bucket that an operator named, or the one in the data folder.
// The caller closes it.
func openBucket(ctx context.Context, where, dataDir string) (*blob.Bucket, error) {
	if where == "" {
		where = filepath.Join(dataDir, "blobs")
	}
	return blob.Open(ctx, where)
}

// Of what nobody refers to any more:
const (
	forgetTime = 10 * time.Second // who waits for it to be forgotten waits no longer
	sweepAge   = 24 * time.Hour   // a unit of work that would refer to it has long ended
	sweepEvery = 24 * time.Hour
	sweepFirst = time.Hour // at most, after a start: nodes that start together don't all look at once
)

// Forget implements workspace.Objects. What it doesn't come to, a sweep does.
func (b *blobs) Forget(ctx context.Context, ws core.WorkspaceID, gone []core.Blob) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTime)
	defer cancel()
	for i, one := range gone {
		if err := b.Delete(ctx, one.Key(ws)); err != nil {
			b.log.Warn("erased blobs are still in the bucket; a sweep will find them", "workspace", ws, "blobs", len(gone)-i, "error", err)
			return
		}
	}
}

// ForgetWorkspace implements workspace.Objects.
func (b *blobs) ForgetWorkspace(ctx context.Context, ws core.WorkspaceID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTime)
	defer cancel()
	prefix := core.BlobPrefix(ws, core.PluginID{})
	if _, err := b.DeleteAll(ctx, prefix); err != nil {
		b.log.Error("a deleted workspace's blobs are still in the bucket: delete what begins with this there", "prefix", prefix, "error", err)
	}
}

// keep looks every day for objects that nobody refers to, until ctx ends.
func (b *blobs) keep(ctx context.Context) {
	if err := b.Check(ctx); err != nil && ctx.Err() == nil {
		b.log.Warn("blobs can be neither kept nor read: see --blobs", "error", err)
	}
	timer := time.NewTimer(rand.N(sweepFirst))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if _, err := b.sweep(ctx, time.Now().Add(-sweepAge)); err != nil && ctx.Err() == nil {
			b.log.Warn("a look for blobs that nobody refers to came to no end", "error", err)
		}
		timer.Reset(sweepEvery)
	}
}

// leftover is the end of the name of a file that was being written when its server ended.
var leftover = regexp.MustCompile(`\.[0-9a-f]+\.tmp$`)

// sweep deletes the objects that were written before a time and that no row refers
// to: units of work that failed left them. It leaves alone what isn't an object of a
// blob, and what is of a workspace that this database doesn't know. Such a workspace
// was deleted, with its objects; if some are there, then more likely because the
// database is another than they belong to.
func (b *blobs) sweep(ctx context.Context, before time.Time) (deleted int, err error) {
	var of string                // the prefix of the owner that is being looked at
	var referred map[string]bool // its keys; nil: its workspace is unknown
	strangers := map[core.WorkspaceID]bool{}
	err = b.List(ctx, "", func(key string, written time.Time) error {
		object := leftover.ReplaceAllString(key, "")
		ws, plugin, ok := core.OwnerOfBlob(object)
		if !ok || !written.Before(before) {
			return nil
		}
		if prefix := core.BlobPrefix(ws, plugin); prefix != of {
			// After the object was listed, and a day after it was written: a row that refers to it is there.
			if referred, err = b.referred(ctx, ws, plugin); err != nil {
				return err
			}
			of = prefix
		}
		if referred == nil {
			strangers[ws] = true
			return nil
		}
		if referred[key] {
			return nil
		}
		deleted++
		return b.Delete(ctx, key)
	})
	if len(strangers) > 0 {
		b.log.Warn("the bucket has blobs of workspaces that this database doesn't know; they are left alone", "workspaces", len(strangers))
	}
	return deleted, err
}

// referred returns the keys that rows of a plugin in a workspace refer to; nil when
// there is no such workspace.
func (b *blobs) referred(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) (map[string]bool, error) {
	_, err := b.rows.Workspace(ctx, string(ws))
	if core.KindOf(err) == core.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := b.rows.Blobs(ctx, ws, plugin)
	keys := make(map[string]bool, len(list))
	for _, one := range list {
		keys[one.Key(ws)] = true
	}
	return keys, err
}
