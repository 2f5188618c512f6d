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
	dir    string
	blobs  *oci.Storage
	others []ocispec.Descriptor // of index.json, that are not ours to understand
}

func openLayout(dir string) (*layout, error) {
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
	marker := l.path(ocispec.ImageLayoutFile)
	raw, err := os.ReadFile(marker)
	if errors.Is(err, os.ErrNotExist) {
		// The marker is written last: where it stands, an index.json stood.
		if err := l.writeIndex(nil); err != nil {
			return nil, err
		}
		return l, l.replace(marker, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	}
	var is ocispec.ImageLayout
	if err == nil {
		err = json.Unmarshal(raw, &is)
	}
	if err == nil && is.Version != ocispec.ImageLayoutVersion {
		err = fmt.Errorf("an image layout of version %q, not %s", is.Version, ocispec.ImageLayoutVersion)
	}
	return l, err
}

func (l *layout) path(parts ...string) string {
	return filepath.Join(append([]string{l.dir}, parts...)...)
}

// ingest is where files are written before they are moved into place; also
// oras-go's.
func (l *layout) ingest() string { return l.path("ingest") }

// push writes the blobs of a release and fills in their descriptors. They mean
// nothing until index.json names them.
func (l *layout) push(ctx context.Context, e *entry, module, manifest []byte) (err error) {
	created := e.release.Published.Format(time.RFC3339)
	if e.module, err = l.put(ctx, moduleType, module); err != nil {
		return err
	}
	config, err := l.putJSON(ctx, configType, map[string]any{
		"created":      created,
		"architecture": "wasm",
		"os":           "wasip1",
		"layerDigests": []digest.Digest{e.module.Digest},
	})
	if err != nil {
		return err
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
		return err
	}
	return l.attach(ctx, e, manifest)
}

// attach stores the Carrel manifest as a referrer of the release.
func (l *layout) attach(ctx context.Context, e *entry, manifest []byte) error {
	layer, err := l.put(ctx, manifestType, manifest)
	if err != nil {
		return err
	}
	empty, err := l.put(ctx, ocispec.MediaTypeEmptyJSON, ocispec.DescriptorEmptyJSON.Data)
	if err != nil {
		return err
	}
	if e.referrer, err = l.putJSON(ctx, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: manifestType,
		Config:       empty,
		Layers:       []ocispec.Descriptor{layer},
		Subject:      &e.image,
	}); err != nil {
		return err
	}
	e.referrer.ArtifactType = manifestType
	return syncPath(l.path(ocispec.ImageBlobsDir, digest.Canonical.String()))
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
		if err := l.blobs.Push(ctx, blob, bytes.NewReader(data)); err != nil {
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
