package registry

import (
	"context"

	"github.com/opencontainers/go-digest"

	"github.com/carrel-dev/carrel/core"
)

// publish implements source. The parts of a release come first, which nobody
// sees without its tag; then it is agreed on which module has the version, and
// that one gets the tag, also when it is another's: it may have died before it
// could set it.
func (r *remote) publish(ctx context.Context, known *catalog, e *entry, module, manifest []byte) error {
	const op = "registry.Publish"
	name := remoteTag(e.release.Plugin, e.release.Version)
	if len(name) > longestTag {
		return core.E(op, core.Invalid, "The publisher, name and version have %d letters together; an OCI registry takes %d. Shorten the version.",
			len(name)-2, longestTag-2)
	}
	now, err := r.load(ctx, known)
	if err != nil {
		return r.down(op, err)
	}
	if err := now.accepts(e); err != nil {
		return err
	}
	image, err := r.push(ctx, e, module, manifest)
	if err != nil {
		return r.down(op, err)
	}
	if _, ok := now.byName[e.release.Plugin.Name]; !ok {
		if err := r.claimName(ctx, e.release.Plugin, image); err != nil {
			return r.down(op, err)
		}
	}
	_, image, err = r.agree(ctx, name, digest.Digest(e.release.Digest).Encoded(), image)
	if err != nil {
		return r.down(op, err)
	}
	winner, err := r.settle(ctx, image, name)
	if err != nil {
		return r.down(op, err)
	}
	if winner != e.release.Digest {
		return taken(e.tag(), winner)
	}
	return nil
}

// push stores the parts of a release, here and there, and returns its image.
func (r *remote) push(ctx context.Context, e *entry, module, manifest []byte) (image blob, err error) {
	parts, err := r.cache.push(ctx, e, module, manifest)
	if err != nil {
		return image, notStored("registry.Publish", err)
	}
	for _, part := range parts {
		data, err := r.cache.read(ctx, part)
		if err != nil {
			return image, notStored("registry.Publish", err)
		}
		if part.Digest == e.image.Digest {
			image = blob{part, data}
		}
		if err := r.send(ctx, blob{part, data}); err != nil {
			return image, err
		}
	}
	return image, nil
}

// claimName agrees on whose a name is, and whose the publisher's name is; of
// names that look alike, too. Whoever died before publishing under it keeps it.
func (r *remote) claimName(ctx context.Context, plugin core.PluginID, image blob) error {
	for _, claim := range []struct{ what, name string }{{"publisher", plugin.Publisher}, {"name", plugin.Name}} {
		owner, _, err := r.agree(ctx, claim.what+" "+skeletonOf(claim.name), plugin.Publisher, image)
		if err != nil {
			return err
		}
		if owner != plugin.Publisher {
			return core.E("registry.Publish", core.Denied,
				"The %s %s, or one that looks like it, belongs to the publisher %s. Choose another name.", claim.what, claim.name, owner)
		}
	}
	return nil
}

// settle gives an image the tag of its release, unless that has a readable one,
// which is of the same module and may be signed, and returns the tag's module.
func (r *remote) settle(ctx context.Context, image blob, name string) (core.Digest, error) {
	there, err := r.tagged(ctx, name)
	if inVain(err) {
		there, err = image, r.tag(ctx, image, name)
	}
	if err != nil {
		return "", err
	}
	_, module, err := parseImage(there.data)
	return core.Digest(module.Digest), err
}

// yank implements source.
func (r *remote) yank(ctx context.Context, known *catalog, module core.Digest, yanked bool) error {
	const op = "registry.Yank"
	e, ok := known.byDigest[module]
	if !ok {
		return noRelease(op, module)
	}
	tags, err := r.tags(ctx)
	if err != nil {
		return r.down(op, err)
	}
	name := remoteTag(e.release.Plugin, e.release.Version)
	changes := yanks(tags)[about(name)]
	if (changes%2 == 1) == yanked {
		return nil
	}
	image, err := r.tagged(ctx, e.image.Digest.String())
	if err == nil {
		err = r.tag(ctx, image, yankTag(name, changes+1))
	}
	if err != nil {
		return r.down(op, err)
	}
	return nil
}
