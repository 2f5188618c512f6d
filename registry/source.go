package registry

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// source is where releases are kept: a folder, or a repository of an OCI
// registry. Others publish to it, too, so what was read of it grows old.
type source interface {
	// load returns what there is now, and known itself when that has not
	// changed. With an error it may return a part of what has. Nobody calls it
	// twice at a time.
	load(ctx context.Context, known *catalog) (*catalog, error)

	// publish makes e a release and fills in its descriptors, unless what is
	// there by then does not admit it. Nobody calls it twice at a time.
	publish(ctx context.Context, known *catalog, e *entry, module, manifest []byte) error

	// yank sets or takes away the mark of a release. Nobody calls it twice at a time.
	yank(ctx context.Context, known *catalog, digest core.Digest, yanked bool) error

	// module returns the bytes of a release's module, checked.
	module(ctx context.Context, e *entry) ([]byte, error)

	// ready fails while releases that are known can't be loaded.
	ready() error

	// pace says how often it is worth looking.
	pace() pace

	close() error
}

// pace says how often a source is looked at.
type pace struct {
	asked time.Duration // the oldest answer to what there is to install
	known time.Duration // the oldest answer about a release that is known: it can only have been yanked
	again time.Duration // after a look that failed, the time until the next
}
