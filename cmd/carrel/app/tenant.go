package app

import (
	"context"
	"errors"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/archive"
	"github.com/carrel-dev/carrel/store/sqlite"
)

// Export writes what a tenant may be given of its workspace into a file; ref is the
// workspace's id or address. Servers may be running. It returns the file's size.
func Export(ctx context.Context, p Place, ref, file string, progress archive.Progress) (m archive.Manifest, size int64, err error) {
	const op = "app.Export"
	from, m, err := p.snapshot(ctx)
	if err != nil {
		return m, 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	ws, slug, err := archive.FindHere(ctx, from, ref)
	if err != nil {
		return m, 0, err
	}
	m.Slug = slug
	w, err := archive.Create(file)
	if err != nil {
		return m, 0, cannotWrite(op, file, err)
	}
	defer w.Abandon()
	if err := archive.Export(ctx, w, from, ws, &m, progress); err != nil {
		return m, 0, err
	}
	if err := p.writeBlobs(ctx, w, from, ws, progress); err != nil {
		return m, 0, err
	}
	size, err = w.Finish(&m)
	return m, size, cannotWrite(op, file, err)
}

// Receipt is what was erased of a workspace.
type Receipt struct {
	Workspace core.WorkspaceID `json:"workspace"`
	Slug      string           `json:"slug"`
	Erased    map[string]int64 `json:"erased"`  // rows, by table
	Left      int64            `json:"left"`    // rows that were found afterwards
	Objects   int64            `json:"objects"` // of blobs, that were erased
}

// Erase deletes a workspace, all its rows and then its blobs, when confirm is its address, and looks
// afterwards that there is none. On Postgres servers may be running.
func Erase(ctx context.Context, p Place, ref, confirm string) (r Receipt, err error) {
	const op = "app.Erase"
	from, _, err := p.snapshot(ctx)
	if err != nil {
		return r, err
	}
	r.Workspace, r.Slug, err = archive.FindHere(ctx, from, ref)
	if err = errors.Join(err, from.Close()); err != nil {
		return r, err
	}
	if confirm != r.Slug {
		return r, core.E(op, core.Invalid, "Erasing a workspace can't be undone. To say that it is this one, add --confirm %s.", r.Slug)
	}
	bucket, err := openBucket(ctx, p.Blobs, p.DataDir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, bucket.Close()) }()
	if err := p.erase(ctx, &r); err != nil {
		return r, err
	}
	if r.Objects, err = bucket.DeleteAll(ctx, core.BlobPrefix(r.Workspace, core.PluginID{})); err != nil {
		return r, &core.Error{Op: op, Kind: core.Unavailable, Err: err,
			Msg: "The workspace is erased, but for its blobs: delete what begins with " + string(r.Workspace) + "/ where blobs are kept."}
	}
	if rows := r.Erased["blobs"]; rows > r.Objects {
		return r, core.E(op, core.Unavailable, "The workspace is erased, and of its %d blobs %d objects were where --blobs says. "+
			"If the servers keep blobs elsewhere, delete what begins with %s/ there.", rows, r.Objects, r.Workspace)
	}
	if p.DatabaseURL == "" { // what was deleted is still in free pages of the file
		db, err := sqlite.Open(ctx, p.DataDir)
		if err != nil {
			return r, err
		}
		if err := errors.Join(db.Scrub(ctx), db.Close()); err != nil {
			return r, err
		}
	}
	if from, _, err = p.snapshot(ctx); err != nil {
		return r, err
	}
	left, err := archive.Count(ctx, from, r.Workspace)
	for _, n := range left {
		r.Left += n
	}
	if err = errors.Join(err, from.Close()); err == nil && r.Left > 0 {
		err = core.E(op, core.Unavailable, "%d rows of the workspace were found afterwards.", r.Left)
	}
	return r, err
}

func (p Place) erase(ctx context.Context, r *Receipt) (err error) {
	to, err := p.begin(ctx, r.Workspace)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if r.Erased, err = archive.Erase(ctx, to, r.Workspace); err != nil {
		return err
	}
	return to.Commit(ctx)
}
