package cli

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/cmd/carrel/bind"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// bound is what plugin bind did.
type bound struct {
	File    string   `json:"file"`
	Package string   `json:"package"`
	Plugin  string   `json:"plugin"`
	Version string   `json:"version"`
	Events  []string `json:"events"`
}

func newPluginBind() *cobra.Command {
	var (
		from                place
		output, packageName string
		asJSON              bool
	)
	cmd := &cobra.Command{
		Use:   "bind PLUGIN|FILE",
		Short: "Write Go code of another plugin's events and settings",
		Long: `Writes a Go file for a plugin that listens to another one: the types of its
events, the data of each as a struct, and a function for Declaration.On that
takes a handler of exactly that data; and the type of its settings.

The other plugin is a module's FILE, or the name of one that is published, with
@VERSION for another than the newest. "core" stands for the platform's own
events. The file is the same for the same release: commit it, and bind again
when the other plugin has changed.`,
		Example: `  carrel plugin bind crm
  carrel plugin bind carrel/crm@1.2.0 --server https://carrel.example.com -o internal/crm/events.go
  carrel plugin bind ../shop/shop.wasm
  carrel plugin bind core`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := from.manifest(cmd, args[0])
			if err != nil {
				return err
			}
			if packageName == "" {
				packageName = bind.PackageName(m.Name)
			}
			if !token.IsIdentifier(packageName) || packageName == "_" || packageName == "main" {
				return usagef("--package must be the name of a package, such as %s", bind.PackageName(m.Name))
			}
			if output == "" {
				output = filepath.Join(packageName, "events.go")
			}
			source, err := bind.Source(&m, packageName)
			if err != nil {
				return core.E("cli.Bind", core.Invalid, "Nothing was written: %v.", err)
			}
			if len(m.Emits) == 0 && len(m.Settings) == 0 {
				return core.E("cli.Bind", core.Invalid,
					"%s/%s %s has neither events nor settings, so there is nothing to write.", m.Publisher, m.Name, m.Version)
			}
			if err := writeSource(output, source); err != nil {
				return err
			}
			b := bound{File: output, Package: packageName, Plugin: m.Publisher + "/" + m.Name, Version: m.Version, Events: []string{}}
			for _, e := range m.Emits {
				b.Events = append(b.Events, e.Type)
			}
			if asJSON {
				return printJSON(cmd, b)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s bound  %s, %s\n", b.Plugin, b.Version, b.File,
				counted(len(b.Events), "event"))
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "`file` to write (default PACKAGE/events.go)")
	cmd.Flags().StringVar(&packageName, "package", "", "`name` of its package (default the plugin's name)")
	from.flags(cmd)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// manifest finds the manifest of a module's file or of a published plugin.
func (p *place) manifest(cmd *cobra.Command, name string) (m abi.Manifest, err error) {
	if name == core.PlatformDomain {
		return abi.Manifest{
			Publisher: "carrel", Name: core.PlatformDomain, Version: app.Version, Summary: "what changes in a workspace.", Emits: core.PlatformEvents(),
		}, nil
	}
	if strings.HasSuffix(name, ".wasm") {
		module, err := readModule(name)
		if err == nil {
			m, err = manifestOf(module)
		}
		if err == nil {
			err = core.CheckManifest(m)
		}
		if err != nil {
			return m, &fileError{name, err}
		}
		return m, nil
	}
	if err := p.thereIs(); err != nil {
		return m, err
	}
	at, err := p.registry(cmd)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, at.close()) }()
	plugin, version, _ := strings.Cut(name, "@")
	if m, err = at.manifest(cmd.Context(), plugin, version); err != nil {
		return m, err
	}
	return m, core.CheckManifest(m)
}

func (l *local) manifest(ctx context.Context, plugin, version string) (abi.Manifest, error) {
	release, err := l.registry.Release(ctx, plugin, version)
	return release.Manifest, err
}

// writeSource writes a file, and the folder of its package.
func writeSource(path string, source []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, source, 0o666)
	}
	if err != nil {
		return core.E("cli.Bind", core.Invalid, "%s cannot be written: %v.", path, err)
	}
	return nil
}
