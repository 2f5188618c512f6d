package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2/errdef"
	oci "oras.land/oras-go/v2/registry/remote"

	"github.com/carrel-dev/carrel/core"
)

// remote is a source in a repository of an OCI registry. A node keeps what it
// has read of it in a layout of its own, by which it starts and serves while
// the registry is down, and which it believes before a tag: whoever else may
// write to the repository can't change a version the node has seen.
type remote struct {
	where     string
	repo      *oci.Repository
	referrers *oci.Repository // the same, to ask for them
	cache     *layout
	logger    *slog.Logger
	warned    sync.Map // of string: what was logged and would be again
}

func openRemote(ctx context.Context, where string, cfg Config) (*remote, *catalog, error) {
	const op = "registry.Open"
	if cfg.CacheDir == "" {
		return nil, nil, core.E(op, core.Internal, "An OCI registry is opened with a folder for its cache.")
	}
	repo, referrers, err := openRepository(where, cfg)
	if err != nil {
		return nil, nil, err
	}
	r := &remote{where: where, repo: repo, referrers: referrers, logger: cfg.Logger}
	if r.cache, err = openLayout(ctx, filepath.Join(cfg.CacheDir, about(where))); err != nil {
		return nil, nil, &core.Error{Op: op, Kind: core.Unavailable, Err: err,
			Msg: fmt.Sprintf("What is cached of the registry in %s cannot be used. Delete that folder: it is fetched again.", cfg.CacheDir)}
	}
	cached := r.cached(ctx)
	ctx, cancel := context.WithTimeout(ctx, longestLook)
	defer cancel()
	known, err := r.load(ctx, cached)
	if err != nil {
		if known == nil {
			known = cached
		}
		if len(known.byTag) == 0 {
			return nil, nil, r.down(op, err)
		}
		r.logger.WarnContext(ctx, "the registry cannot be looked at; what is cached of it is served meanwhile", "registry", where, "error", err)
	}
	return r, known, nil
}

// cached reads what the node knew when it was last running.
func (r *remote) cached(ctx context.Context) *catalog {
	nothing := newCatalog(nil, nil)
	file, err := os.Open(r.cache.path(ocispec.ImageIndexFile))
	if err == nil {
		defer file.Close()
		var known *catalog
		if known, err = r.cache.readIndex(ctx, file, nothing); err == nil {
			return known
		}
	}
	r.logger.WarnContext(ctx, "the list of cached releases is damaged; it is fetched again", "error", err)
	return nothing
}

// load implements source. A release that is known is not asked for again, but
// for its mark, which the tags tell. One whose tag is gone can't be installed
// any more: that is how an operator takes it out. What was read before something
// failed is kept, so that a long first look can be made in parts.
func (r *remote) load(ctx context.Context, known *catalog) (*catalog, error) {
	tags, err := r.tags(ctx)
	if err != nil {
		return nil, err
	}
	var entries, missing []*entry
	there := make(map[string]bool)
	for _, tag := range tags {
		plugin, version, ok := releaseOf(tag)
		if !ok {
			continue
		}
		e := &entry{semver: version, release: core.Release{Plugin: plugin, Version: version.Original()}}
		there[e.tag()] = true
		old := known.byTag[e.tag()]
		switch {
		case old == nil:
			missing = append(missing, e)
		case old.damage != nil:
			e.image, e.release.Digest = old.image, old.release.Digest
			missing = append(missing, e)
		default:
			entries = append(entries, old)
		}
	}
	for name, old := range known.byTag {
		if !there[name] {
			entries = append(entries, old)
		}
	}
	failed := r.readAll(ctx, missing)
	changed := false
	// Names belong to who had them first, as far as this node can tell.
	slices.SortFunc(missing, func(a, b *entry) int {
		return cmp.Or(a.release.Published.Compare(b.release.Published), cmp.Compare(a.tag(), b.tag()))
	})
	owners := make(map[string]core.PluginID)
	for _, e := range entries {
		owners[e.release.Plugin.Name] = e.release.Plugin
	}
	for _, e := range missing {
		old := known.byTag[e.tag()]
		owner, owned := owners[e.release.Plugin.Name]
		switch {
		case owned && owner != e.release.Plugin:
			r.warn(ctx, "a release is ignored, whose name belongs to another publisher", "release", e.tag(), "owner", owner.Publisher)
		case e.release.Digest != "":
			owners[e.release.Plugin.Name] = e.release.Plugin
			changed = changed || old == nil || e.damage == nil
			entries = append(entries, e)
		case old != nil:
			entries = append(entries, old)
		}
	}
	changes := yanks(tags)
	for i, e := range entries {
		yanked := !there[e.tag()] || changes[about(remoteTag(e.release.Plugin, e.release.Version))]%2 == 1
		if e.release.Yanked != yanked {
			marked := *e
			marked.release.Yanked = yanked
			entries[i], changed = &marked, true
		}
	}
	if !changed {
		return known, failed
	}
	if err := r.cache.writeIndex(entries, nil); err != nil {
		r.logger.WarnContext(ctx, "the list of cached releases could not be written", "error", err)
	}
	return newCatalog(entries, nil), failed
}

// warn logs what every look finds, once.
func (r *remote) warn(ctx context.Context, message string, fields ...any) {
	if _, before := r.warned.LoadOrStore(fmt.Sprint(append(fields, message)...), true); !before {
		r.logger.WarnContext(ctx, message, fields...)
	}
}

// readAll reads releases, several at a time. One that could not be read, for a
// reason that may pass, has no digest; nor has one that is nothing anybody could
// ask for.
func (r *remote) readAll(ctx context.Context, missing []*entry) error {
	var reads errgroup.Group
	reads.SetLimit(8)
	for _, e := range missing {
		reads.Go(func() error {
			if e.damage = r.read(ctx, e); e.damage == nil || inVain(e.damage) {
				return nil
			}
			e.release.Digest = ""
			return e.damage
		})
	}
	return reads.Wait()
}

// read fetches a release's manifests into the cache and reads them there: what
// they may be is the same as in a folder.
func (r *remote) read(ctx context.Context, e *entry) error {
	reference := remoteTag(e.release.Plugin, e.release.Version)
	if e.image.Digest != "" {
		reference = e.image.Digest.String() // what was seen once stays
	}
	image, err := r.tagged(ctx, reference)
	if err != nil {
		return err
	}
	parsed, module, err := parseImage(image.data)
	if err != nil {
		return err
	}
	e.image = image.Descriptor
	e.release.Digest = core.Digest(module.Digest)
	e.release.Published, _ = time.Parse(time.RFC3339, parsed.Annotations[ocispec.AnnotationCreated])
	if _, err := r.cache.put(ctx, image.MediaType, image.data); err != nil {
		return err
	}
	attached, err := r.attachment(ctx, e.image)
	if err != nil {
		return err
	}
	if err := r.cache.load(ctx, e, attached); err != nil {
		return fmt.Errorf("%w: %w", err, errUnfit)
	}
	return nil
}

// parseImage reads the image of a release, and which module it has.
func parseImage(data []byte) (image ocispec.Manifest, module ocispec.Descriptor, err error) {
	if err := json.Unmarshal(data, &image); err != nil {
		return image, module, fmt.Errorf("%w: %w", err, errUnfit)
	}
	if len(image.Layers) != 1 || image.Layers[0].Size > MaxModule {
		return image, module, fmt.Errorf("the image is no release: %w", errUnfit)
	}
	return image, image.Layers[0], nil
}

// attachment fetches the Carrel manifest that is attached to an image. What
// type a referrer has is looked up in itself: not every registry tells.
func (r *remote) attachment(ctx context.Context, image ocispec.Descriptor) (found attachment, err error) {
	var referrers []ocispec.Descriptor
	if err := r.referrers.Referrers(ctx, image, "", func(page []ocispec.Descriptor) error {
		if referrers = append(referrers, page...); len(referrers) > maxReferrers {
			return fmt.Errorf("%d manifests and more say that they are about %s: %w", len(referrers), image.Digest, errUnfit)
		}
		return nil
	}); err != nil {
		return found, err
	}
	for _, one := range referrers {
		referrer, err := r.tagged(ctx, one.Digest.String())
		if err != nil {
			if inVain(err) {
				continue // of another, or one that nobody can read
			}
			return found, err
		}
		var parsed ocispec.Manifest
		if json.Unmarshal(referrer.data, &parsed) != nil || parsed.ArtifactType != manifestType || len(parsed.Layers) != 1 ||
			parsed.Layers[0].Size > maxManifest || parsed.Subject == nil || parsed.Subject.Digest != image.Digest {
			continue
		}
		manifest, err := r.fetch(ctx, parsed.Layers[0])
		if err != nil {
			return found, err
		}
		if _, err := r.cache.put(ctx, manifestType, manifest); err != nil {
			return found, err
		}
		if _, err := r.cache.put(ctx, referrer.MediaType, referrer.data); err != nil {
			return found, err
		}
		referrer.ArtifactType = manifestType
		return attachment{referrer.Descriptor, parsed.Layers[0]}, nil
	}
	return found, nil
}

// module implements source: from the cache, or from the registry and then from
// the cache.
func (r *remote) module(ctx context.Context, e *entry) ([]byte, error) {
	const op = "registry.Module"
	module, err := r.cache.read(ctx, e.module)
	if err == nil {
		return module, nil
	}
	if !errors.Is(err, errdef.ErrNotFound) {
		r.logger.WarnContext(ctx, "a cached module is damaged; it is fetched again", "release", e.tag(), "error", err)
	}
	if module, err = r.fetch(ctx, e.module); err != nil {
		if inVain(err) {
			return nil, damaged(op, e.tag(), err)
		}
		return nil, &core.Error{Op: op, Kind: core.Unavailable, Err: err,
			Msg: "The module of " + e.tag() + " is not on this server yet, and the registry that has it can't be reached. Try again in a minute."}
	}
	if _, err := r.cache.put(ctx, moduleType, module); err != nil {
		r.logger.WarnContext(ctx, "a module could not be cached", "release", e.tag(), "error", err)
	}
	return module, nil
}

// ready implements source.
func (r *remote) ready() error { return nil }

// pace implements source: to look is a request, and a registry that is down
// shall cost one wait, not one for everybody.
func (r *remote) pace() pace {
	return pace{asked: time.Second, known: 15 * time.Second, again: 10 * time.Second}
}

func (r *remote) close() error { return nil }

// down is the error of a registry that does not answer, or not as it should.
func (r *remote) down(op string, cause error) error {
	if known, ok := errors.AsType[*core.Error](cause); ok {
		return known
	}
	return &core.Error{Op: op, Kind: core.Unavailable, Err: cause,
		Msg: fmt.Sprintf("The registry %s cannot be used. Check its address, that it is running, and who may use it.", r.where)}
}
