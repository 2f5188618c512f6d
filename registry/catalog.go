package registry

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/carrel-dev/carrel/core"
)

// entry is one release as the registry keeps it.
type entry struct {
	release  core.Release
	semver   *semver.Version
	image    ocispec.Descriptor // the release's OCI manifest
	module   ocispec.Descriptor // its one layer
	referrer ocispec.Descriptor // the OCI manifest that attaches the Carrel manifest
	damage   error              // what is wrong with its files; release.Manifest is then empty
}

func (e *entry) tag() string { return tagOf(e.release.Plugin, e.release.Version) }

func (e *entry) err(op string) error {
	if e.damage == nil {
		return nil
	}
	return damaged(op, e.tag(), e.damage)
}

func damaged(op, tag string, cause error) error {
	return &core.Error{Op: op, Kind: core.Unavailable, Err: cause,
		Msg: "The stored module of " + tag + " is damaged. Publish the same module again to heal it."}
}

func tagOf(plugin core.PluginID, version string) string { return plugin.String() + ":" + version }

// parseTag is the inverse of tagOf.
func parseTag(tag string) (plugin core.PluginID, version string, ok bool) {
	name, version, ok1 := strings.Cut(tag, ":")
	publisher, name, ok2 := strings.Cut(name, "/")
	return core.PluginID{Publisher: publisher, Name: name}, version, ok1 && ok2
}

// catalog is the registry's memory: what its source said when it was looked at,
// by what it is looked up by. It never changes; a look replaces it.
type catalog struct {
	byTag    map[string]*entry
	byDigest map[core.Digest]*entry
	byName   map[string]Entry
	list     []Entry
	others   []ocispec.Descriptor // of index.json, that are not ours to understand
}

func newCatalog(entries []*entry, others []ocispec.Descriptor) *catalog {
	c := &catalog{
		others:   others,
		byTag:    make(map[string]*entry, len(entries)),
		byDigest: make(map[core.Digest]*entry, len(entries)),
		byName:   make(map[string]Entry),
	}
	plugins := make(map[core.PluginID][]*entry)
	for _, e := range entries {
		c.byTag[e.tag()] = e
		c.byDigest[e.release.Digest] = e
		plugins[e.release.Plugin] = append(plugins[e.release.Plugin], e)
	}
	for id, versions := range plugins {
		slices.SortFunc(versions, func(a, b *entry) int { return b.semver.Compare(a.semver) })
		listed := Entry{Plugin: id}
		for _, e := range versions {
			if e.damage == nil {
				listed.Releases = append(listed.Releases, e.release)
			}
		}
		listed.Newest = newest(versions)
		c.byName[id.Name] = listed
		if listed.Newest.Version != "" {
			c.list = append(c.list, listed)
		}
	}
	slices.SortFunc(c.list, func(a, b Entry) int { return cmp.Compare(a.Plugin.Name, b.Plugin.Name) })
	return c
}

// newest picks from releases in falling order the first that may be installed;
// a pre-release only without another.
func newest(versions []*entry) core.Release {
	var preview core.Release
	for _, e := range versions {
		switch {
		case e.release.Yanked || e.damage != nil:
		case e.semver.Prerelease() == "":
			return e.release
		case preview.Version == "":
			preview = e.release
		}
	}
	return preview
}

// with returns the entries of c with e added, or in place of the one of its tag.
func (c *catalog) with(e *entry) []*entry {
	byTag := maps.Clone(c.byTag)
	byTag[e.tag()] = e
	return slices.SortedFunc(maps.Values(byTag), func(a, b *entry) int { return cmp.Compare(a.tag(), b.tag()) })
}

// plugin finds a plugin by `name` or `publisher/name`.
func (c *catalog) plugin(op, plugin string) (Entry, error) {
	publisher, name, qualified := strings.Cut(plugin, "/")
	if !qualified {
		publisher, name = "", plugin
	}
	found, ok := c.byName[name]
	if !ok || qualified && found.Plugin.Publisher != publisher {
		return Entry{}, core.E(op, core.NotFound, "There is no plugin %s in this registry.", plugin)
	}
	return found, nil
}

// release finds a release as Registry.Release does.
func (c *catalog) release(plugin, version string) (core.Release, error) {
	const op = "registry.Release"
	found, err := c.plugin(op, plugin)
	if err != nil {
		return core.Release{}, err
	}
	if version == "" {
		if found.Newest.Version == "" {
			return core.Release{}, core.E(op, core.NotFound,
				"Every release of %s is yanked. Name a version to get it nevertheless.", found.Plugin)
		}
		return found.Newest, nil
	}
	e, ok := c.byTag[tagOf(found.Plugin, version)]
	if !ok {
		return core.Release{}, core.E(op, core.NotFound,
			"There is no version %s of %s. Its versions: %s.", version, found.Plugin, versionsOf(found.Releases))
	}
	return e.release, e.err(op)
}

func versionsOf(releases []core.Release) string {
	versions := make([]string, 0, len(releases))
	for _, release := range releases {
		versions = append(versions, release.Version)
	}
	return strings.Join(versions, ", ")
}
