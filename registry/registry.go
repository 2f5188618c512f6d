package registry

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// MaxModule is the largest module a registry takes, in bytes.
const MaxModule = 32 << 20

// Checker says whether a module is a valid plugin: that it loads, speaks this
// host's version of the contract, and declares in its code the manifest that it
// returns. Its errors are shown to the publisher.
type Checker interface {
	Check(ctx context.Context, module []byte) (abi.Manifest, error)
}

// Config configures a registry.
type Config struct {
	Checker Checker          // asked before a module is published; nil refuses to publish
	Logger  *slog.Logger     // of damage found and leftovers swept; nil is slog.Default
	Now     func() time.Time // nil is time.Now
}

// Registry is an open registry. It is safe for concurrent use; lookups are
// answered from memory and never wait for a publication.
type Registry struct {
	layout  *layout
	lock    *os.File
	checker Checker
	logger  *slog.Logger
	now     func() time.Time

	changing sync.Mutex // held by whoever changes index.json and catalog
	catalog  atomic.Pointer[catalog]
}

// Entry is a plugin in the marketplace.
type Entry struct {
	Plugin   core.PluginID
	Newest   core.Release   // what is installed when no version is asked for; zero when every release is yanked
	Releases []core.Release // newest version first, yanked ones included
}

// Open opens the registry in dir, creates it when there is none, and sweeps
// what an interrupted publication left behind. One process at a time has a
// registry open; a second one gets an error of kind Unavailable. A release
// whose files are damaged does not keep the others from opening: it is logged,
// left out of the marketplace, and healed by publishing it again.
func Open(ctx context.Context, dir string, cfg Config) (*Registry, error) {
	const op = "registry.Open"
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	r := &Registry{lock: lock, checker: cfg.Checker, logger: cfg.Logger, now: cfg.Now}
	var entries []*entry
	if r.layout, err = openLayout(dir); err == nil {
		entries, err = r.layout.readIndex(ctx)
	}
	if err != nil {
		lock.Close()
		return nil, &core.Error{Op: op, Kind: core.Unavailable, Err: err,
			Msg: fmt.Sprintf("The registry in %s cannot be read (%v). Restore it from a backup, or start with an empty folder.", dir, err)}
	}
	for _, e := range entries {
		if e.damage != nil {
			r.logger.WarnContext(ctx, "a stored release is damaged; publish the same module again to heal it",
				"release", e.tag(), "error", e.damage)
		}
	}
	r.catalog.Store(newCatalog(entries))
	swept, err := r.layout.sweep(ctx, entries)
	if err != nil { // leftovers are harmless, so this is no reason not to start
		r.logger.WarnContext(ctx, "leftovers of interrupted publications were not swept", "error", err)
	} else if swept > 0 {
		r.logger.InfoContext(ctx, "swept leftovers of interrupted publications", "files", swept)
	}
	return r, nil
}

// Close releases the folder for other processes.
func (r *Registry) Close() error {
	r.changing.Lock()
	defer r.changing.Unlock()
	return r.lock.Close()
}

// List returns the marketplace: every plugin with a release that is not
// yanked, by name.
func (r *Registry) List(ctx context.Context) ([]Entry, error) {
	return r.catalog.Load().list, ctx.Err()
}

// Plugin returns one plugin by `name` or `publisher/name`, even when all its
// releases are yanked.
func (r *Registry) Plugin(_ context.Context, plugin string) (Entry, error) {
	return r.catalog.Load().plugin("registry.Plugin", plugin)
}

// Release finds a release of a plugin, `name` or `publisher/name`. An empty
// version asks for the newest that is not yanked, and a pre-release only when
// there is nothing else. A version asked for by name is returned even when it
// is yanked: its installations still need it. What is returned is shared and
// must not be changed.
func (r *Registry) Release(_ context.Context, plugin, version string) (core.Release, error) {
	const op = "registry.Release"
	found, err := r.catalog.Load().plugin(op, plugin)
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
	e, ok := r.catalog.Load().byTag[tagOf(found.Plugin, version)]
	if !ok {
		return core.Release{}, core.E(op, core.NotFound,
			"There is no version %s of %s. Its versions: %s.", version, found.Plugin, versionsOf(found.Releases))
	}
	return e.release, e.err(op)
}

// ByDigest finds a release by its module's digest.
func (r *Registry) ByDigest(_ context.Context, digest core.Digest) (core.Release, error) {
	const op = "registry.ByDigest"
	e, ok := r.catalog.Load().byDigest[digest]
	if !ok {
		return core.Release{}, core.E(op, core.NotFound, "There is no release %s.", digest)
	}
	return e.release, e.err(op)
}

// Module returns a release's module. The bytes are read and their digest is
// checked at every call, so that a changed file is found before it runs; the
// error is then of kind Unavailable.
func (r *Registry) Module(ctx context.Context, digest core.Digest) ([]byte, error) {
	const op = "registry.Module"
	e, ok := r.catalog.Load().byDigest[digest]
	if !ok {
		return nil, core.E(op, core.NotFound, "There is no release %s.", digest)
	}
	if err := e.err(op); err != nil {
		return nil, err
	}
	module, err := r.layout.read(ctx, e.module)
	if err != nil {
		r.logger.ErrorContext(ctx, "a stored module is damaged; publish it again to heal it", "release", e.tag(),
			"digest", digest, "error", err)
		return nil, damaged(op, e.tag(), err)
	}
	return module, nil
}

// Yank marks a release so that it is no longer installed unless named, or
// takes the mark away. Nothing is deleted: installations keep running.
func (r *Registry) Yank(ctx context.Context, digest core.Digest, yanked bool) (core.Release, error) {
	const op = "registry.Yank"
	r.changing.Lock()
	defer r.changing.Unlock()
	old, ok := r.catalog.Load().byDigest[digest]
	if !ok {
		return core.Release{}, core.E(op, core.NotFound, "There is no release %s.", digest)
	}
	changed := *old
	changed.release.Yanked = yanked
	if err := r.store(&changed); err != nil {
		return core.Release{}, notStored(op, err)
	}
	return changed.release, nil
}

// store puts an entry, new or in place of the one with its tag, into index.json
// and then into the catalog. The caller holds changing.
func (r *Registry) store(e *entry) error {
	entries := r.catalog.Load().with(e)
	if err := r.layout.writeIndex(entries); err != nil {
		return err
	}
	r.catalog.Store(newCatalog(entries))
	return nil
}

// notStored is the error of a disk that is full or otherwise fails.
func notStored(op string, cause error) error {
	return &core.Error{Op: op, Kind: core.Unavailable, Err: cause,
		Msg: "The registry could not write to its folder; nothing has changed. Check its disk and try again."}
}

func versionsOf(releases []core.Release) string {
	versions := make([]string, 0, len(releases))
	for _, release := range releases {
		versions = append(versions, release.Version)
	}
	return strings.Join(versions, ", ")
}
