package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/registry"
	"github.com/carrel-dev/carrel/runtime"
)

// publication is one file's fate.
type publication struct {
	File string `json:"file"`
	published
	Status string `json:"status"` // published, skipped (it was there), kept (another module is)
}

func newPluginPublish() *cobra.Command {
	var (
		at     place
		skip   bool
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "publish FILE...",
		Short: "Offer plugins in a marketplace",
		Long: `Publishes modules built with carrel plugin build: into the data folder of a
server, running or not; into another folder or an OCI registry, which servers
share; or by asking a server. A module carries its manifest, and with it the
name, publisher and version it is published under.

A version never changes: publishing other bytes under it is refused, publishing
the same bytes again changes nothing. A name belongs to its first publisher.
Publishing to a server needs the token of an operator's account.`,
		Example: `  carrel plugin publish crm.wasm
  carrel plugin publish --data /var/lib/carrel --skip-existing build/plugins/*.wasm
  carrel plugin publish --registry oci://registry.example.com/carrel/plugins crm.wasm
  CARREL_TOKEN=carrel_... carrel plugin publish --server https://carrel.example.com crm.wasm`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) (err error) {
			to, err := at.registry(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, to.close()) }()
			done := make([]publication, 0, len(files))
			var failed failures
			for _, file := range files {
				p, err := publishFile(cmd.Context(), to, file, skip)
				if _, down := errors.AsType[*unreachableError](err); down {
					return err // the others would wait in vain
				}
				if err != nil {
					failed = append(failed, &fileError{file, err})
					continue
				}
				done = append(done, p)
				if p.Status == "kept" {
					fmt.Fprintf(cmd.ErrOrStderr(),
						"%s is already published with another module, which is kept. To publish %s, raise its version.\n",
						p.plugin(), file)
				}
			}
			if asJSON {
				err = printJSON(cmd, done)
			} else {
				for _, p := range done {
					fmt.Fprintf(cmd.OutOrStdout(), "%s %s  %s\n", p.plugin(), paint(cmd.OutOrStdout(), green, p.Status),
						paint(cmd.OutOrStdout(), faint, string(p.Digest)))
				}
			}
			if len(failed) > 0 {
				return failed
			}
			return err
		},
	}
	at.flags(cmd)
	cmd.Flags().BoolVar(&skip, "skip-existing", false, "leave what is published already as it is, unless it is damaged")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func publishFile(ctx context.Context, to releases, file string, skip bool) (publication, error) {
	module, err := readModule(file)
	if err != nil {
		return publication{}, err
	}
	if skip {
		there, err := to.byDigest(ctx, runtime.DigestOf(module))
		if err == nil {
			return publication{file, there, "skipped"}, nil
		}
		if kind := core.KindOf(err); kind != core.NotFound && kind != core.Unavailable {
			return publication{}, err
		}
	}
	p, err := to.publish(ctx, file, module)
	if err == nil {
		return publication{file, p, "published"}, nil
	}
	if skip && core.KindOf(err) == core.Exists {
		m, inspectErr := manifestOf(module)
		if inspectErr == nil {
			return publication{file, published{Publisher: m.Publisher, Name: m.Name, Version: m.Version}, "kept"}, nil
		}
	}
	return publication{}, err
}

// readModule reads a file that is to be a module, and not one too large to be
// any.
func readModule(file string) ([]byte, error) {
	const op = "cli.ReadModule"
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, core.E(op, core.NotFound, "There is no such file. A plugin's module is built with carrel plugin build.")
	case err != nil:
		return nil, core.E(op, core.Invalid, "It cannot be read: %v.", err)
	case !info.Mode().IsRegular():
		return nil, core.E(op, core.Invalid,
			"It is not a file. Name a module, such as the .wasm file that carrel plugin build wrote.")
	case info.Size() > registry.MaxModule:
		return nil, core.E(op, core.TooLarge,
			"It has %s; a module may have up to %s.", sizeOf(info.Size()), sizeOf(registry.MaxModule))
	}
	module, err := os.ReadFile(file)
	if err != nil {
		return nil, core.E(op, core.Invalid, "It cannot be read: %v.", err)
	}
	return module, nil
}
