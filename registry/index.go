package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"

	"github.com/carrel-dev/carrel/core"
)

// writeIndex makes index.json name exactly these releases, their manifests,
// and what others have put there.
func (l *layout) writeIndex(entries []*entry, others []ocispec.Descriptor) error {
	index := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: make([]ocispec.Descriptor, 0, 2*len(entries)+len(others)),
	}
	named := make(map[digest.Digest]bool, cap(index.Manifests))
	add := func(manifest ocispec.Descriptor) {
		if manifest.Digest != "" && !named[manifest.Digest] {
			named[manifest.Digest] = true
			index.Manifests = append(index.Manifests, manifest)
		}
	}
	for _, e := range entries {
		image := e.image
		image.Annotations = map[string]string{
			ocispec.AnnotationRefName: e.tag(),
			ocispec.AnnotationCreated: e.release.Published.Format(time.RFC3339),
			annotationModule:          string(e.release.Digest),
		}
		if e.release.Yanked {
			image.Annotations[annotationYanked] = "true"
		}
		add(image)
		add(e.referrer)
	}
	for _, other := range others {
		add(other)
	}
	return l.replace(l.path(ocispec.ImageIndexFile), index)
}

// readIndex reads an index.json and the manifests it names, but not again those
// of releases that known has intact.
func (l *layout) readIndex(ctx context.Context, from io.Reader, known *catalog) (*catalog, error) {
	raw, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	var index ocispec.Index
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, fmt.Errorf("index.json is damaged, restore it from a backup: %w", err)
	}
	var entries, read []*entry
	var rest, others []ocispec.Descriptor
	referrers := make(map[digest.Digest]bool) // of the releases that known has
	for _, manifest := range index.Manifests {
		e, ok := entryOf(manifest)
		if !ok {
			rest = append(rest, manifest)
			continue
		}
		if old := known.byTag[e.tag()]; old != nil && old.damage == nil && old.image.Digest == e.image.Digest {
			e.module, e.referrer = old.module, old.referrer
			e.release.Size, e.release.Manifest = old.release.Size, old.release.Manifest
			referrers[e.referrer.Digest] = true
		} else {
			read = append(read, e)
		}
		entries = append(entries, e)
	}
	attached := make(map[digest.Digest]attachment) // by release
	for _, manifest := range rest {
		if referrers[manifest.Digest] {
			continue
		}
		var referrer ocispec.Manifest
		if manifest.ArtifactType == manifestType && l.readJSON(ctx, manifest, &referrer) == nil &&
			referrer.Subject != nil && len(referrer.Layers) == 1 {
			attached[referrer.Subject.Digest] = attachment{manifest, referrer.Layers[0]}
			continue
		}
		others = append(others, manifest)
	}
	for _, e := range read {
		e.damage = l.load(ctx, e, attached[e.image.Digest])
	}
	return newCatalog(entries, others), nil
}

// attachment is a referrer that attaches a Carrel manifest, and that manifest.
type attachment struct{ referrer, manifest ocispec.Descriptor }

// entryOf reads what a descriptor of index.json says about a release, and
// false when it is not of one.
func entryOf(image ocispec.Descriptor) (*entry, bool) {
	plugin, number, ok := parseTag(image.Annotations[ocispec.AnnotationRefName])
	if !ok {
		return nil, false
	}
	version, err := semver.StrictNewVersion(number)
	if err != nil {
		return nil, false
	}
	published, _ := time.Parse(time.RFC3339, image.Annotations[ocispec.AnnotationCreated])
	return &entry{image: image, semver: version, release: core.Release{
		Plugin:    plugin,
		Version:   number,
		Digest:    core.Digest(image.Annotations[annotationModule]),
		Published: published,
		Yanked:    image.Annotations[annotationYanked] == "true",
	}}, true
}

// load reads a release's manifests; its module is read when it is asked for.
func (l *layout) load(ctx context.Context, e *entry, attached attachment) error {
	e.referrer = attached.referrer
	var image ocispec.Manifest
	if err := l.readJSON(ctx, e.image, &image); err != nil {
		return err
	}
	if len(image.Layers) != 1 || image.Layers[0].MediaType != moduleType || image.Layers[0].Digest.String() != string(e.release.Digest) {
		return fmt.Errorf("the image has not exactly the layer %s of type %s", e.release.Digest, moduleType)
	}
	e.module = image.Layers[0]
	e.release.Size = e.module.Size
	if attached.referrer.Digest == "" {
		return fmt.Errorf("no readable Carrel manifest is attached to the image")
	}
	if err := l.readJSON(ctx, attached.manifest, &e.release.Manifest); err != nil {
		return err
	}
	if m := e.release.Manifest; m.Publisher != e.release.Plugin.Publisher || m.Name != e.release.Plugin.Name || m.Version != e.release.Version {
		return fmt.Errorf("the attached manifest is of %s/%s:%s", m.Publisher, m.Name, m.Version)
	}
	return nil
}

// sweep removes the files no release refers to, and returns how many. It
// removes no blob while a manifest is unreadable, because it cannot know which
// blobs that one needs. The caller holds the folder's lock.
func (l *layout) sweep(ctx context.Context, known *catalog) (swept int, err error) {
	if swept, err = removeFiles(l.ingest(), nil); err != nil {
		return swept, err
	}
	todo := slices.Clone(known.others)
	for _, e := range known.byTag {
		if e.damage != nil {
			return swept, e.damage
		}
		todo = append(todo, e.image, e.referrer)
	}
	needed := make(map[string]bool)
	for len(todo) > 0 {
		blob := todo[0]
		todo = todo[1:]
		if err := blob.Digest.Validate(); err != nil {
			return swept, err
		}
		if needed[blob.Digest.Encoded()] {
			continue
		}
		needed[blob.Digest.Encoded()] = true
		parts, err := content.Successors(ctx, l.blobs, blob)
		if err != nil {
			return swept, fmt.Errorf("read %s: %w", blob.Digest, err)
		}
		todo = append(todo, parts...)
	}
	blobs, err := removeFiles(l.path(ocispec.ImageBlobsDir, digest.Canonical.String()), needed)
	return swept + blobs, err
}

func removeFiles(dir string, keep map[string]bool) (removed int, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		if keep[file.Name()] {
			continue
		}
		if err := os.Remove(filepath.Join(dir, file.Name())); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
