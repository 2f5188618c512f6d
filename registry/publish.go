package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Publication is a module to publish.
type Publication struct {
	Module    []byte
	Publisher string      // who publishes; empty is an operator, who may publish for everyone
	Digest    core.Digest // what the sender says the module's digest is; empty is unchecked
}

// Publish stores a module as a release and returns it. The module carries its
// manifest, and with it the plugin's name, publisher and version.
//
// A version is immutable: publishing other bytes under it is refused with
// Exists. Publishing the same bytes again changes nothing, keeps the time of
// the first publication, and rewrites files that are damaged. A name belongs to
// its first publisher. When Publish returns, the release is on disk; when it
// fails or the process dies, there is no release.
func (r *Registry) Publish(ctx context.Context, p Publication) (core.Release, error) {
	const op = "registry.Publish"
	if r.checker == nil {
		return core.Release{}, core.E(op, core.Internal, "This registry was opened for reading only.")
	}
	if len(p.Module) > MaxModule {
		return core.Release{}, core.E(op, core.TooLarge,
			"The module has %d bytes; a registry takes up to %d (32 MiB).", len(p.Module), MaxModule)
	}
	sum := core.Digest(digest.FromBytes(p.Module))
	if p.Digest != "" && p.Digest != sum {
		return core.Release{}, core.E(op, core.Invalid,
			"The module that arrived has the digest %s, not %s: it was cut or changed on the way. Send it again.", sum, p.Digest)
	}
	raw, err := manifestSection(p.Module)
	if err != nil {
		return core.Release{}, err
	}
	manifest, err := r.check(ctx, p.Module, raw)
	if err != nil {
		return core.Release{}, err
	}
	version, err := checkIdentity(manifest, p.Publisher)
	if err != nil {
		return core.Release{}, err
	}

	e := &entry{semver: version, release: core.Release{
		Plugin:    core.PluginID{Publisher: manifest.Publisher, Name: manifest.Name},
		Version:   manifest.Version,
		Digest:    sum,
		Size:      int64(len(p.Module)),
		Manifest:  manifest,
		Published: r.now().UTC().Truncate(time.Second),
	}}
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.source.publish(ctx, r.catalog.Load(), e, p.Module, raw); err != nil {
		return core.Release{}, err
	}
	r.learn(ctx, e)
	return e.release, nil
}

// Yank marks a release so that it is no longer installed unless named, or
// takes the mark away. Nothing is deleted: installations keep running.
func (r *Registry) Yank(ctx context.Context, digest core.Digest, yanked bool) (core.Release, error) {
	const op = "registry.Yank"
	r.changing.Lock()
	defer r.changing.Unlock()
	e, ok := r.byDigest(ctx, digest)
	if !ok {
		return core.Release{}, noRelease(op, digest)
	}
	if err := r.source.yank(ctx, r.catalog.Load(), digest, yanked); err != nil {
		return core.Release{}, err
	}
	marked := *e
	marked.release.Yanked = yanked
	r.learn(ctx, &marked)
	return marked.release, nil
}

// accepts checks that a release may be published beside those of c. One that
// is there already, with the same module, keeps its time and its mark: the same
// times give the same bytes, and so the same digests, so that what is intact is
// recognised and what is damaged is written anew.
func (c *catalog) accepts(e *entry) error {
	if err := c.admits(e.release.Plugin); err != nil {
		return err
	}
	old, ok := c.byTag[e.tag()]
	if !ok {
		return nil
	}
	if old.release.Digest != e.release.Digest {
		return taken(e.tag(), old.release.Digest)
	}
	e.release.Published, e.release.Yanked = old.release.Published, old.release.Yanked
	return nil
}

// taken is the error of a version that another module has.
func taken(tag string, by core.Digest) error {
	return core.E("registry.Publish", core.Exists,
		"%s is already published with another module (%s). A version never "+
			"changes: publish this one under a higher version.", tag, by)
}

// check asks the Checker, and compares what it says with the manifest in the
// module's section: that one is stored and shown, so it must be the one the
// code acts by.
func (r *Registry) check(ctx context.Context, module, raw []byte) (abi.Manifest, error) {
	const op = "registry.Publish"
	checked, err := r.checker.Check(ctx, module)
	if err != nil {
		return abi.Manifest{}, core.Wrap(op, core.Invalid, err)
	}
	var declared abi.Manifest
	if err := json.Unmarshal(raw, &declared); err != nil {
		return abi.Manifest{}, &core.Error{Op: op, Kind: core.Invalid, Err: err,
			Msg: "The manifest in the module is not valid JSON. Attach it again with carrel plugin build."}
	}
	a, errA := json.Marshal(declared)
	b, errB := json.Marshal(checked)
	if err := errors.Join(errA, errB); err != nil {
		return abi.Manifest{}, core.Wrap(op, core.Invalid, err)
	}
	if !bytes.Equal(a, b) {
		return abi.Manifest{}, core.E(op, core.Invalid,
			"The manifest in the module's section %s differs from the one its code "+
				"declares. Build it again with carrel plugin build.", abi.ManifestSection)
	}
	return declared, nil
}

// checkIdentity checks the name a release is asked to be published under.
func checkIdentity(m abi.Manifest, publisher string) (*semver.Version, error) {
	const op = "registry.Publish"
	var wrong core.Violations
	if err := checkName(m.Name); err != nil {
		wrong.Add("manifest.name", "%s", err)
	}
	if err := checkName(m.Publisher); err != nil {
		wrong.Add("manifest.publisher", "%s", err)
	}
	version, err := semver.StrictNewVersion(m.Version)
	if err != nil {
		wrong.Add("manifest.version", "%q is not a semantic version such as 1.2.0", m.Version)
	} else if version.Metadata() != "" {
		wrong.Add("manifest.version",
			"%q has build metadata after the +, which does not tell two versions apart; leave it out", m.Version)
	}
	if err := wrong.Err(op, "The module cannot be published under this name and version."); err != nil {
		return nil, err
	}
	if publisher != "" && publisher != m.Publisher {
		return nil, core.E(op, core.Denied,
			"The manifest names the publisher %q, but you publish as %q. Change the manifest, or publish as %q.",
			m.Publisher, publisher, m.Publisher)
	}
	return version, nil
}
