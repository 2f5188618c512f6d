package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/registry"
	"github.com/carrel-dev/carrel/runtime"
)

// defaultData is the data folder when nobody names one.
const defaultData = "./data"

// place is where a command finds the registry it works on: in a data folder,
// somewhere else, or behind a server.
type place struct {
	data   string
	kept   app.Releases
	server string
	token  string
}

func (p *place) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.data, "data", defaultData, "`folder` of a server's data")
	registryFlag(cmd, &p.kept)
	cmd.Flags().StringVar(&p.server, "server", "", "`URL` of a running server, instead of --data and --registry")
	cmd.Flags().StringVar(&p.token, "token", "", "API `token` for the server; safer in the environment, which others cannot see")
	alsoFromEnvironment(cmd, "data", "registry", "server", "token")
	oneOrTheOther(cmd, "data", "server")
	oneOrTheOther(cmd, "registry", "server")
}

// registryFlag adds the flag --registry. The credentials are in the environment
// alone, because others can see a command line.
func registryFlag(cmd *cobra.Command, kept *app.Releases) {
	cmd.Flags().StringVar(&kept.Where, "registry", "",
		"`where` the releases are, instead of in the data folder: another\nfolder, or oci://host/repository")
	kept.User, kept.Password = os.Getenv("CARREL_REGISTRY_USER"), core.Secret(os.Getenv("CARREL_REGISTRY_PASSWORD"))
}

// blobsFlag adds the flag --blobs.
func blobsFlag(cmd *cobra.Command, where *string) {
	cmd.Flags().StringVar(where, "blobs", "",
		"`where` the files are that plugins keep, instead of in the data folder:\nanother folder, or s3://bucket?region=…")
}

// thereIs refuses a data folder that is not there, for commands that would find
// nothing in a new one.
func thereIs(data string) error {
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		return core.E("cli.Place", core.NotFound, "There is no folder %s. Name the data folder of a server with --data.", data)
	}
	return nil
}

// thereIs is the same of a place.
func (p *place) thereIs() error {
	switch where := p.kept.Where; {
	case p.server != "", strings.Contains(where, "://"):
		return nil // whoever is asked says so
	case where == "":
		return thereIs(p.data)
	default:
		if _, err := os.Stat(where); errors.Is(err, os.ErrNotExist) {
			return core.E("cli.Place", core.NotFound, "There is no folder %s. Name a folder with releases with --registry.", where)
		}
		return nil
	}
}

// registry opens the registry of the place. The caller closes it.
func (p *place) registry(cmd *cobra.Command) (releases, error) {
	for _, other := range []string{"data", "registry"} {
		if cmd.Flags().Changed(other) && p.server != "" {
			return nil, usagef("--%s and --server both say where; give one of them", other)
		}
	}
	if p.server == "" {
		return openLocal(cmd.Context(), p.data, p.kept, cmd.ErrOrStderr())
	}
	return newClient(p.server, p.token, cmd.ErrOrStderr())
}

// releases is a registry as the commands need it, wherever it is.
type releases interface {
	// publish stores a module as a release. label names it on a terminal.
	publish(ctx context.Context, label string, module []byte) (published, error)
	// byDigest finds a release by its module: kind NotFound without one, kind
	// Unavailable when its files are damaged.
	byDigest(ctx context.Context, digest core.Digest) (published, error)
	// yank marks a version of a plugin, or takes the mark away.
	yank(ctx context.Context, plugin, version string, yanked bool) (published, error)
	// manifest finds what a version of a plugin declares; an empty version is the
	// newest.
	manifest(ctx context.Context, plugin, version string) (abi.Manifest, error)
	close() error
}

// published is a release as the commands print it, and a part of what a server
// answers.
type published struct {
	Publisher string      `json:"publisher"`
	Name      string      `json:"name"`
	Version   string      `json:"version"`
	Digest    core.Digest `json:"digest"`
	Size      int64       `json:"size"`
	Yanked    bool        `json:"yanked"`
}

func (p published) plugin() string { return p.Publisher + "/" + p.Name + " " + p.Version }

func publishedOf(r core.Release) published {
	return published{r.Plugin.Publisher, r.Plugin.Name, r.Version, r.Digest, r.Size, r.Yanked}
}

// local is a registry that this process opens itself, beside servers that may
// have it open.
type local struct {
	registry *registry.Registry
	engine   *runtime.Engine
	notes    io.Writer
}

func openLocal(ctx context.Context, data string, kept app.Releases, notes io.Writer) (_ *local, err error) {
	logger := slog.New(slog.NewTextHandler(notes, &slog.HandlerOptions{Level: slog.LevelWarn}))
	l := &local{notes: notes}
	// The server's own cache: what is compiled to be checked is compiled when
	// the server starts.
	if l.engine, err = runtime.New(ctx, runtime.Config{CacheDir: filepath.Join(data, "cache"), Logger: logger}); err != nil {
		return nil, err
	}
	if l.registry, err = kept.Open(ctx, data, l.engine, logger); err != nil {
		return nil, errors.Join(err, l.engine.Close(ctx))
	}
	return l, nil
}

func (l *local) publish(ctx context.Context, label string, module []byte) (published, error) {
	line := newProgress(l.notes, label, int64(len(module)))
	defer line.end()
	release, err := l.registry.Publish(runtime.WithProgress(ctx, line.say), registry.Publication{Module: module})
	return publishedOf(release), err
}

func (l *local) byDigest(ctx context.Context, digest core.Digest) (published, error) {
	release, err := l.registry.ByDigest(ctx, digest)
	if err == nil {
		_, err = l.registry.Module(ctx, digest) // whether it is still whole
	}
	return publishedOf(release), err
}

func (l *local) yank(ctx context.Context, plugin, version string, yanked bool) (published, error) {
	release, err := l.registry.Release(ctx, plugin, version)
	if err == nil {
		release, err = l.registry.Yank(ctx, release.Digest, yanked)
	}
	return publishedOf(release), err
}

func (l *local) close() error {
	return errors.Join(l.registry.Close(), l.engine.Close(context.Background()))
}
