package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"

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
	where := r.folder(data)
	if where == "" {
		where = r.Where
	}
	return registry.Open(ctx, where, registry.Config{
		Checker: Checker{engine}, Logger: logger, CacheDir: filepath.Join(data, "cache", "registry"), User: r.User, Password: r.Password,
	})
}

// folder is where the releases are; empty: in an OCI registry.
func (r Releases) folder(data string) string {
	switch {
	case r.Where == "":
		return filepath.Join(data, "registry")
	case strings.Contains(r.Where, "://"):
		return ""
	default:
		return r.Where
	}
}
