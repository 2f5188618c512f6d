package store

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// MaxBlobBytes bounds the blobs of one unit of work, which are in memory until it
// commits.
const MaxBlobBytes = 16 << 20

// Objects is where the bytes of blobs are, by their keys.
type Objects interface {
	// Put writes an object, in place of one that has the same key, and returns when
	// it is durable.
	Put(ctx context.Context, key string, data []byte) error
	// Get reads an object of a size. NotFound: there is none. What it returns may be
	// anything: the caller compares it with the digest.
	Get(ctx context.Context, key string, size int64) ([]byte, error)
}

// KeepBlobsIn makes the store keep the bytes of blobs in objects, before it begins
// a unit of work. Without it there are no blobs.
func (s *Store) KeepBlobsIn(objects Objects) *Store {
	s.objects = objects
	return s
}

// keptBlob is a blob that the unit writes when it commits.
type keptBlob struct {
	core.Blob
	data []byte
}

var errNoObjects = core.E("store.Blob", core.Denied, "This server keeps no blobs.")

// PutBlob keeps bytes of the unit's plugin. Their object is written when the unit
// commits, before its row: a call that fails leaves nothing, and a commit that
// fails an object nobody refers to. Bytes that are kept already are written once
// more, which makes good an object that was damaged. With limit >= 0 it fails with
// QuotaExceeded when the workspace's blobs would count for more bytes.
func (u *Unit) PutBlob(ctx context.Context, data []byte, mediaType string, limit int64) (core.Blob, error) {
	const op = "store.PutBlob"
	if u.store.objects == nil {
		return core.Blob{}, errNoObjects
	}
	if u.scope.ReadOnly {
		return core.Blob{}, errReadOnly
	}
	blob := core.NewBlob(u.scope.Plugin, data, mediaType, u.scope.Now)
	if kept := u.kept(blob.Digest); kept != nil {
		return kept.Blob, nil
	}
	before, err := u.lookUp(ctx, blob.Digest)
	if err != nil {
		return core.Blob{}, err
	}
	sum := blob.Size
	for _, other := range u.blobs {
		sum += other.Size
	}
	if sum > MaxBlobBytes {
		return core.Blob{}, core.E(op, core.TooLarge, "One call puts at most %d bytes of blobs.", MaxBlobBytes)
	}
	if before != nil {
		blob = *before
	} else {
		if err := u.fits(ctx, blob, limit); err != nil {
			return core.Blob{}, err
		}
		u.Add(core.PutBlob{Blob: blob, Limit: limit})
	}
	u.blobs = append(u.blobs, keptBlob{blob, data})
	return blob, nil
}

// fits fails when there is no room for a blob. Only a refusal relies on how much
// there is: those who put blobs at the same time don't collide, as the commit
// counts once more.
func (u *Unit) fits(ctx context.Context, blob core.Blob, limit int64) error {
	if limit < 0 {
		return nil
	}
	answer, at, err := u.store.backend.Ask(ctx, u.ws, BlobsCounted{})
	if err != nil {
		return u.doom(err)
	}
	counted := answer.(int64)
	for _, change := range u.changes {
		if put, ok := change.(core.PutBlob); ok {
			counted += put.Blob.Counted()
		}
	}
	if counted+blob.Counted() <= limit {
		return nil
	}
	if err := u.record(BlobsCounted{}, answer, at); err != nil {
		return err
	}
	return BlobsFull("store.PutBlob", limit)
}

// BlobsFull is the error of a blob for which there is no room.
func BlobsFull(op string, limit int64) error {
	return core.E(op, core.QuotaExceeded, "The blobs of this workspace may have %d bytes together (each counts as %d at least), and this one is too much. "+
		"An owner or admin can change the plan.", limit, core.MinBlobCounted)
}

// Blob returns a blob of the unit's plugin with its bytes. NotFound: it keeps none
// with the digest, whatever others keep. When the object is damaged or gone the
// unit cannot commit: nobody is told something that was made of other bytes.
func (u *Unit) Blob(ctx context.Context, digest core.Digest) (core.Blob, []byte, error) {
	const op = "store.Blob"
	if u.store.objects == nil {
		return core.Blob{}, nil, errNoObjects
	}
	if kept := u.kept(digest); kept != nil {
		return kept.Blob, kept.data, nil
	}
	blob, err := u.lookUp(ctx, digest)
	if err != nil {
		return core.Blob{}, nil, err
	}
	if blob == nil {
		return core.Blob{}, nil, core.E(op, core.NotFound, "This plugin keeps no blob with that digest here.")
	}
	data, err := u.store.objects.Get(ctx, blob.Key(u.ws), blob.Size)
	if core.KindOf(err) == core.NotFound || err == nil && !blob.IsBytes(data) {
		return core.Blob{}, nil, u.doom(&core.Error{Op: op, Kind: core.Unavailable, Err: err, Msg: "The blob " + string(digest) +
			" is damaged or gone from where this server keeps blobs. Its operator has to restore it; putting the same bytes again makes it good, too."})
	}
	if err != nil {
		return core.Blob{}, nil, u.doom(core.Wrap(op, core.Unavailable, err))
	}
	return *blob, data, nil
}

// kept finds a blob that the unit puts.
func (u *Unit) kept(digest core.Digest) *keptBlob {
	for i := range u.blobs {
		if u.blobs[i].Digest == digest {
			return &u.blobs[i]
		}
	}
	return nil
}

// lookUp finds a blob that was put before the unit; nil: there is none.
func (u *Unit) lookUp(ctx context.Context, digest core.Digest) (*core.Blob, error) {
	blob, at, err := u.store.backend.Blob(ctx, u.ws, u.scope.Plugin, digest)
	if err != nil {
		return nil, u.doom(err)
	}
	object := ""
	if blob != nil {
		object = blob.Object
	}
	return blob, u.record(ObjectOf{u.scope.Plugin, digest}, object, at)
}

// writeObjects writes what the commit is about to refer to.
func (u *Unit) writeObjects(ctx context.Context) error {
	for _, blob := range u.blobs {
		if err := u.store.objects.Put(ctx, blob.Key(u.ws), blob.data); err != nil {
			return core.Wrap("store.PutBlob", core.Unavailable, err)
		}
	}
	return nil
}
