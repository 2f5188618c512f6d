package registry

import (
	"context"
	"log/slog"
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

	// Of a registry at oci://. CacheDir keeps what was read of it, for when it
	// is slow or down; it is made when it is missing. Without a user name, the
	// credentials are those of docker login.
	CacheDir string
	User     string
	Password core.Secret
}

// Registry is an open registry. It is safe for concurrent use. Lookups never
// wait for a publication, and at most 3 s for a look at what others have
// published; then they answer from memory.
type Registry struct {
	source  source
	pace    pace
	checker Checker
	logger  *slog.Logger
	now     func() time.Time

	changing sync.Mutex // held by whoever publishes or yanks
	catalog  atomic.Pointer[catalog]

	opened  time.Time
	looking chan struct{} // holds one by whoever looks at the source
	trouble string        // why the last look failed; guarded by looking
	began   atomic.Int64  // of the last look that succeeded, by clock
	failed  atomic.Int64  // when the last look failed, by clock; 0 when it did not
	looks   sync.WaitGroup
	open    context.Context // ends with Close
	stop    context.CancelFunc
}

// Entry is a plugin in the marketplace.
type Entry struct {
	Plugin   core.PluginID
	Newest   core.Release   // what is installed when no version is asked for; zero when every release is yanked
	Releases []core.Release // newest version first, yanked ones included
}

// Open opens the registry at where: a folder, which is made when it is missing,
// or a repository of an OCI registry, oci://host/repository or, without TLS,
// oci+http://host/repository.
//
// Any number of processes may have a registry open. What others publish or yank
// is noticed when somebody asks what there is: in a folder at once, in an OCI
// registry after a second. Open fails with kind Unavailable when a folder
// cannot be read, or when an OCI registry of which nothing is cached cannot be
// reached. A release whose files are damaged does not keep the others from
// opening: it is logged, left out of the marketplace, and healed by publishing
// it again.
func Open(ctx context.Context, where string, cfg Config) (*Registry, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Registry{checker: cfg.Checker, logger: cfg.Logger, now: cfg.Now, opened: time.Now(), looking: make(chan struct{}, 1)}
	var (
		known *catalog
		err   error
	)
	if isRemote(where) {
		r.source, known, err = openRemote(ctx, where, cfg)
	} else {
		r.source, known, err = openFolder(ctx, where, cfg.Logger)
	}
	if err != nil {
		return nil, err
	}
	r.pace = r.source.pace()
	r.open, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.warnOfDamage(ctx, newCatalog(nil, nil), known)
	r.catalog.Store(known)
	return r, nil
}

// Close ends what looks at the registry. Lookups and publications under way
// must have ended.
func (r *Registry) Close() error {
	r.stop()
	r.looks.Wait()
	return r.source.close()
}

// Ready fails while the folder of releases can't be read, as when the disk it is
// on has gone. An OCI registry that is down is no reason to send requests to
// another node: what this one has, it serves.
func (r *Registry) Ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return core.Wrap("registry.Ready", core.Unavailable, r.source.ready())
}

// List returns the marketplace: every plugin with a release that is not
// yanked, by name.
func (r *Registry) List(ctx context.Context) ([]Entry, error) {
	return r.current(ctx).list, ctx.Err()
}

// Plugin returns one plugin by `name` or `publisher/name`, even when all its
// releases are yanked.
func (r *Registry) Plugin(ctx context.Context, plugin string) (found Entry, err error) {
	err = r.again(ctx, func(c *catalog) error {
		found, err = c.plugin("registry.Plugin", plugin)
		return err
	})
	return found, err
}

// Release finds a release of a plugin, `name` or `publisher/name`. An empty
// version asks for the newest that is not yanked, and a pre-release only when
// there is nothing else. A version asked for by name is returned even when it
// is yanked: its installations still need it. What is returned is shared and
// must not be changed.
func (r *Registry) Release(ctx context.Context, plugin, version string) (found core.Release, err error) {
	err = r.again(ctx, func(c *catalog) error {
		found, err = c.release(plugin, version)
		return err
	})
	return found, err
}

// ByDigest finds a release by its module's digest.
func (r *Registry) ByDigest(ctx context.Context, digest core.Digest) (core.Release, error) {
	const op = "registry.ByDigest"
	e, ok := r.byDigest(ctx, digest)
	if !ok {
		return core.Release{}, noRelease(op, digest)
	}
	return e.release, e.err(op)
}

// Module returns a release's module. The bytes are read and their digest is
// checked at every call, so that a changed file is found before it runs; the
// error is then of kind Unavailable.
func (r *Registry) Module(ctx context.Context, digest core.Digest) ([]byte, error) {
	const op = "registry.Module"
	e, ok := r.byDigest(ctx, digest)
	if !ok {
		return nil, noRelease(op, digest)
	}
	if err := e.err(op); err != nil {
		return nil, err
	}
	module, err := r.source.module(ctx, e)
	if err != nil {
		r.logger.ErrorContext(ctx, "a module cannot be loaded", "release", e.tag(), "digest", digest, "error", err)
		return nil, err
	}
	return module, nil
}

func noRelease(op string, digest core.Digest) error {
	return core.E(op, core.NotFound, "There is no release %s.", digest)
}
