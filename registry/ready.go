package registry

import (
	"context"
	"os"

	"github.com/carrel-dev/carrel/core"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Ready fails while the folder can't be read, as when the disk it is on has
// gone: releases that are not in memory yet can't be run then.
func (r *Registry) Ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	file, err := os.Open(r.layout.path(ocispec.ImageIndexFile))
	if err != nil {
		return core.Wrap("registry.Ready", core.Unavailable, err)
	}
	return core.Wrap("registry.Ready", core.Unavailable, file.Close())
}
