package api

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/registry"
)

// Plugin is a plugin in the marketplace.
type Plugin struct {
	Name      string   `json:"name"`
	Publisher string   `json:"publisher"`
	Title     string   `json:"title"`
	Summary   string   `json:"summary"`
	Version   string   `json:"version" doc:"The newest; what is installed when no version is asked for."`
	Versions  []string `json:"versions" nullable:"false" doc:"Newest first, yanked ones included."`
}

func pluginView(e registry.Entry) Plugin {
	p := Plugin{
		Name: e.Plugin.Name, Publisher: e.Plugin.Publisher, Versions: make([]string, len(e.Releases)),
		Title: e.Newest.Manifest.Title, Summary: e.Newest.Manifest.Summary, Version: e.Newest.Version,
	}
	for i, r := range e.Releases {
		p.Versions[i] = r.Version
	}
	return p
}

// Release is an immutable version of a plugin.
type Release struct {
	Name        string       `json:"name"`
	Publisher   string       `json:"publisher"`
	Version     string       `json:"version"`
	Digest      core.Digest  `json:"digest" doc:"SHA-256 of the module."`
	Size        int64        `json:"size" doc:"Of the module, bytes."`
	PublishedAt time.Time    `json:"publishedAt"`
	Yanked      bool         `json:"yanked" doc:"Not installed any more, unless named."`
	Manifest    abi.Manifest `json:"manifest" doc:"What it declares: tables, routes, events, and the capabilities it asks for."`
}

func releaseView(r core.Release) Release {
	return Release{r.Plugin.Name, r.Plugin.Publisher, r.Version, r.Digest, r.Size, r.Published, r.Yanked, r.Manifest}
}

type releaseOutput struct{ Body Release }

func (a *API) marketplace() {
	register(a, known, describe("GET /marketplace", "listPlugins", "List the plugins"),
		func(ctx context.Context, _ *struct{}) (*List[Plugin], error) {
			entries, err := a.Registry.List(ctx)
			return mapped(entries, pluginView, ""), err
		})

	type pluginOutput struct{ Body Plugin }
	register(a, known, describe("GET /marketplace/{plugin}", "getPlugin", "Get a plugin"),
		func(ctx context.Context, in *struct {
			Plugin string `path:"plugin"`
		}) (*pluginOutput, error) {
			entry, err := a.Registry.Plugin(ctx, in.Plugin)
			if err != nil {
				return nil, err
			}
			return &pluginOutput{pluginView(entry)}, nil
		})

	register(a, known, describe("GET /marketplace/{plugin}/{version}", "getPluginVersion", "Get a version of a plugin"),
		func(ctx context.Context, in *struct {
			Plugin  string `path:"plugin"`
			Version string `path:"version"`
		}) (*releaseOutput, error) {
			release, err := a.Registry.Release(ctx, in.Plugin, in.Version)
			if err != nil {
				return nil, err
			}
			return &releaseOutput{releaseView(release)}, nil
		})
}
