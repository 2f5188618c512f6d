package app

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"time"

	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/registry"
	"github.com/carrel-dev/carrel/store/archive"
	"github.com/carrel-dev/carrel/store/postgres"
	"github.com/carrel-dev/carrel/store/sqlite"
)

// Place is where a deployment is kept, as in Config.
type Place struct {
	DataDir       string
	DatabaseURL   string
	Registry      Releases
	Blobs         string
	SecretKeyFile string
}

// registryFolder is where releases are in an archive.
const registryFolder = "registry/"

// snapshot begins to read the database, beside servers that may be running on it,
// and says of which kind it is.
func (p Place) snapshot(ctx context.Context) (archive.Snapshot, archive.Manifest, error) {
	m := archive.Manifest{Carrel: Version, Made: time.Now().UTC().Truncate(time.Second)}
	if p.DatabaseURL != "" {
		d, err := postgres.Snapshot(ctx, p.DatabaseURL)
		if err != nil {
			return nil, m, err
		}
		m.Store, m.Schema = postgres.Name, d.Schema
		return d, m, nil
	}
	d, err := sqlite.Snapshot(ctx, p.DataDir)
	if err != nil {
		return nil, m, err
	}
	m.Store, m.Schema = sqlite.Name, d.Schema
	return d, m, nil
}

// begin begins to change the database, in one workspace only unless it is empty.
func (p Place) begin(ctx context.Context, ws core.WorkspaceID) (archive.Transaction, error) {
	if p.DatabaseURL != "" {
		return postgres.Begin(ctx, p.DatabaseURL, ws)
	}
	return sqlite.Begin(ctx, p.DataDir, ws)
}

// keys reads the keys there are, if any.
func (p Place) keys() (secret.Keys, error) {
	file := p.SecretKeyFile
	if file == "" {
		file = filepath.Join(p.DataDir, "secret.key")
	}
	keys, err := secret.Read(file)
	if core.KindOf(err) == core.NotFound && p.SecretKeyFile == "" {
		return secret.Keys{}, nil
	}
	return keys, err
}

// Without is what a backup leaves out.
type Without struct{ Registry, Blobs bool }

// Backup writes all of a deployment at one moment into a file, with its releases
// if they are in a folder, and its blobs, unless without says otherwise. Servers may
// be running. It returns the file's size.
func Backup(ctx context.Context, p Place, file string, without Without, progress archive.Progress) (m archive.Manifest, size int64, err error) {
	const op = "app.Backup"
	from, m, err := p.snapshot(ctx)
	if err != nil {
		return m, 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	w, err := archive.Create(file)
	if err != nil {
		return m, 0, cannotWrite(op, file, err)
	}
	defer w.Abandon()
	if err := archive.Backup(ctx, w, from, &m, progress); err != nil {
		return m, 0, err
	}
	if !without.Blobs {
		if err := p.writeBlobs(ctx, w, from, "", progress); err != nil {
			return m, 0, err
		}
	}
	if folder := p.Registry.folder(p.DataDir); folder != "" && !without.Registry {
		// After the moment of the database: a release is there before it is installed.
		put := func(name string, content io.Reader) error { return w.File(registryFolder+name, content) }
		if err := registry.Copy(folder, put); err != nil {
			return m, 0, err
		}
	}
	size, err = w.Finish(&m)
	return m, size, cannotWrite(op, file, err)
}

func cannotWrite(op, file string, err error) error {
	if err == nil {
		return nil
	}
	return &core.Error{Op: op, Kind: core.Unavailable, Err: err, Msg: "The file " + file + " can't be written."}
}

// Lost is what a restore gives up when it isn't there.
type Lost struct{ Key, Blobs bool }

// Restore makes a deployment of a backup, all or nothing, where there is none:
// it is read to the end before anything is changed. With lost.Key the secrets in it
// are given up, and with lost.Blobs the blobs whose bytes are nowhere.
func Restore(ctx context.Context, p Place, file string, lost Lost, progress archive.Progress) (m archive.Manifest, err error) {
	r, options, err := openArchive(ctx, p, file, progress)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	options.KeyLost = lost.Key
	if err := options.CheckKeys(r.Manifest); err != nil {
		return m, err
	}
	releases, err := p.receive(r)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, releases.Discard()) }()
	to, err := p.begin(ctx, "")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	blobs, err := p.receiveBlobs(ctx, r, "", lost.Blobs)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, blobs.close()) }()
	options.Lost = blobs.lost
	if err := options.All(ctx, r, to); err != nil {
		return m, err
	}
	// Before the database: blobs and releases that nobody refers to harm nobody.
	if err := blobs.settle(ctx); err != nil {
		return m, err
	}
	if err := releases.Settle(); err != nil {
		return m, err
	}
	return r.Manifest, to.Commit(ctx)
}

// RestoreWorkspace puts one workspace of a backup, by its id or the address it had,
// into a deployment, in place of what is there of it, all or nothing. On Postgres
// servers may be running.
func RestoreWorkspace(ctx context.Context, p Place, file, ref string, lost Lost, progress archive.Progress) (ws core.WorkspaceID, slug string, m archive.Manifest, err error) {
	r, options, err := openArchive(ctx, p, file, progress)
	if err != nil {
		return "", "", m, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	options.KeyLost = lost.Key
	if ws, slug, err = archive.Find(ctx, r, ref); err != nil {
		return "", "", m, err
	}
	to, err := p.begin(ctx, ws)
	if err != nil {
		return "", "", m, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	blobs, err := p.receiveBlobs(ctx, r, ws, lost.Blobs)
	if err != nil {
		return "", "", m, err
	}
	defer func() { err = errors.Join(err, blobs.close()) }()
	options.Lost = blobs.lost
	if err := options.Workspace(ctx, r, ws, to); err != nil {
		return "", "", m, err
	}
	if err := blobs.settle(ctx); err != nil {
		return "", "", m, err
	}
	return ws, slug, r.Manifest, to.Commit(ctx)
}

// receive puts the releases of an archive beside the folder they belong into, if
// there is one, and fails if others are there.
func (p Place) receive(r *archive.Reader) (*registry.Arrival, error) {
	folder := p.Registry.folder(p.DataDir)
	if folder == "" {
		return &registry.Arrival{}, nil
	}
	releases, err := registry.Receive(folder)
	if err != nil {
		return nil, err
	}
	if err = r.Files(registryFolder, releases.Put); err == nil {
		err = releases.Check()
	}
	if err != nil {
		return nil, errors.Join(err, releases.Discard())
	}
	return releases, nil
}

// openArchive opens an archive and reads it to the end.
func openArchive(ctx context.Context, p Place, file string, progress archive.Progress) (*archive.Reader, archive.Restore, error) {
	keys, err := p.keys()
	if err != nil {
		return nil, archive.Restore{}, err
	}
	r, err := archive.Open(file)
	if err != nil {
		return nil, archive.Restore{}, err
	}
	if err := r.Verify(ctx, func(m archive.Member) { progress("verify "+m.Name, m.Rows) }); err != nil {
		return nil, archive.Restore{}, errors.Join(err, r.Close())
	}
	return r, archive.Restore{HasKey: keys.Has, Progress: progress}, nil
}
