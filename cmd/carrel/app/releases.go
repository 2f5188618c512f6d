package app

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/registry"
	"github.com/carrel-dev/carrel/runtime"
)

// Releases is where releases are kept.
type Releases struct {
	Where string // a folder, or the oci:// or oci+http:// address of a repository; empty: registry in the data folder

	// Of an OCI registry; without a user those of docker login.
	User     string
	Password core.Secret
}

// Open opens the registry for whoever works with a data folder. Modules are
// checked by engine.
func (r Releases) Open(ctx context.Context, data string, engine *runtime.Engine, logger *slog.Logger) (*registry.Registry, error) {
	where := r.Where
	if where == "" {
		where = filepath.Join(data, "registry")
	}
	return registry.Open(ctx, where, registry.Config{
		Checker: Checker{engine}, Logger: logger, CacheDir: filepath.Join(data, "cache", "registry"), User: r.User, Password: r.Password,
	})
}
