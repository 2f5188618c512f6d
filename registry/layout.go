package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/errdef"
)

// The types of what a release is made of.
const (
	moduleType   = "application/wasm"
	configType   = "application/vnd.wasm.config.v0+json"
	manifestType = "application/vnd.carrel.manifest.v1+json"
)

// Annotations of a release's descriptor in index.json, beside its tag and time.
// They let a release be recognised, and healed, whose blobs are damaged.
const (
	annotationModule = "dev.carrel.module" // its module's digest
	annotationYanked = "dev.carrel.yanked" // "true", or absent
)

// layout is an OCI image layout on disk. Blobs are oras-go's; index.json is
// ours, because oras-go's Store rewrites it in place, and a process killed in
// the middle of that would lose every release.
type layout struct {
	dir   string
	blobs *oci.Storage
}

// openLayout opens the layout in dir, and makes it when there is none: then it
// takes the folder's lock, because others may be about to do the same.
func openLayout(ctx context.Context, dir string) (*layout, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	blobs, err := oci.NewStorage(dir)
	if err != nil {
		return nil, err
	}
	l := &layout{dir: dir, blobs: blobs}
	for _, sub := range []string{l.path(ocispec.ImageBlobsDir, digest.Canonical.String()), l.ingest()} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return nil, err
		}
	}
	is, err := l.version()
	if errors.Is(err, os.ErrNotExist) {
		unlock, failed := l.lock(ctx)
		if failed != nil {
			return nil, failed
		}
		defer unlock()
		if is, err = l.version(); errors.Is(err, os.ErrNotExist) {
			// The marker is written last: where it stands, an index.json stood.
			if err := l.writeIndex(nil, nil); err != nil {
				return nil, err
			}
			return l, l.replace(l.path(ocispec.ImageLayoutFile), ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
		}
	}
	if err == nil && is != ocispec.ImageLayoutVersion {
		err = fmt.Errorf("an image layout of version %q, not %s", is, ocispec.ImageLayoutVersion)
	}
	return l, err
}

// version reads which version of the layout the folder has.
func (l *layout) version() (string, error) {
	raw, err := os.ReadFile(l.path(ocispec.ImageLayoutFile))
	if err != nil {
		return "", err
	}
	var is ocispec.ImageLayout
	return is.Version, json.Unmarshal(raw, &is)
}

func (l *layout) path(parts ...string) string {
	return filepath.Join(append([]string{l.dir}, parts...)...)
}

// ingest is where files are written before they are moved into place; also
// oras-go's.
func (l *layout) ingest() string { return l.path("ingest") }

// push writes the blobs of a release, fills in their descriptors, and returns
// them, each after those it names. They mean nothing until index.json names them.
func (l *layout) push(ctx context.Context, e *entry, module, manifest []byte) (parts []ocispec.Descriptor, err error) {
	created := e.release.Published.Format(time.RFC3339)
	if e.module, err = l.put(ctx, moduleType, module); err != nil {
		return nil, err
	}
	config, err := l.putJSON(ctx, configType, map[string]any{
		"created":      created,
		"architecture": "wasm",
		"os":           "wasip1",
		"layerDigests": []digest.Digest{e.module.Digest},
	})
	if err != nil {
		return nil, err
	}
	about := map[string]string{
		ocispec.AnnotationCreated:     created,
		ocispec.AnnotationTitle:       e.release.Manifest.Title,
		ocispec.AnnotationDescription: e.release.Manifest.Summary,
		ocispec.AnnotationVendor:      e.release.Plugin.Publisher,
		ocispec.AnnotationVersion:     e.release.Version,
		ocispec.AnnotationLicenses:    e.release.Manifest.License,
	}
	maps.DeleteFunc(about, func(_, text string) bool { return text == "" })
	if e.image, err = l.putJSON(ctx, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageManifest,
		Config:      config,
		Layers:      []ocispec.Descriptor{e.module},
		Annotations: about,
	}); err != nil {
		return nil, err
	}
	attached, err := l.attach(ctx, e, manifest)
	return append([]ocispec.Descriptor{e.module, config, e.image}, attached...), err
}

// attach stores the Carrel manifest as a referrer of the release.
func (l *layout) attach(ctx context.Context, e *entry, manifest []byte) (parts []ocispec.Descriptor, err error) {
	layer, err := l.put(ctx, manifestType, manifest)
	if err != nil {
		return nil, err
	}
	empty, err := l.put(ctx, ocispec.MediaTypeEmptyJSON, ocispec.DescriptorEmptyJSON.Data)
	if err != nil {
		return nil, err
	}
	if e.referrer, err = l.putJSON(ctx, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: manifestType,
		Config:       empty,
		Layers:       []ocispec.Descriptor{layer},
		Subject:      &e.image,
	}); err != nil {
		return nil, err
	}
	e.referrer.ArtifactType = manifestType
	return []ocispec.Descriptor{layer, empty, e.referrer}, syncPath(l.path(ocispec.ImageBlobsDir, digest.Canonical.String()))
}

func (l *layout) putJSON(ctx context.Context, mediaType string, value any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return l.put(ctx, mediaType, data)
}

// put stores a blob and waits until it is on disk. One that is there already
// stays when its bytes are right, and is replaced when they are not.
func (l *layout) put(ctx context.Context, mediaType string, data []byte) (ocispec.Descriptor, error) {
	blob := content.NewDescriptorFromBytes(mediaType, data)
	if _, err := l.read(ctx, blob); err != nil {
		if err := l.blobs.Delete(ctx, blob); err != nil && !errors.Is(err, errdef.ErrNotFound) {
			return blob, err
		}
		if err := l.blobs.Push(ctx, blob, bytes.NewReader(data)); err != nil && !errors.Is(err, errdef.ErrAlreadyExists) {
			return blob, err
		}
	}
	return blob, syncPath(l.path(ocispec.ImageBlobsDir, blob.Digest.Algorithm().String(), blob.Digest.Encoded()))
}

// read returns a blob whose size and digest are what its descriptor says.
func (l *layout) read(ctx context.Context, blob ocispec.Descriptor) ([]byte, error) {
	return content.FetchAll(ctx, l.blobs, blob)
}

func (l *layout) readJSON(ctx context.Context, blob ocispec.Descriptor, into any) error {
	data, err := l.read(ctx, blob)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// replace writes a JSON file so that after a crash it is the old one or the new.
func (l *layout) replace(path string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(l.ingest(), filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncPath(filepath.Dir(path))
}

// syncPath waits until a file, or a folder's names, are on disk.
func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
