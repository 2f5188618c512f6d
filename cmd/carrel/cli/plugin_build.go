package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime"
)

// manifestFile is where a guest that isn't Go writes its manifest.
const manifestFile = "carrel.json"

func newPluginBuild() *cobra.Command {
	var output, module string
	var asJSON bool
	command := &cobra.Command{
		Use:   "build [DIR]",
		Short: "Build a plugin into a module with its manifest inside",
		Long: `Builds the plugin in DIR (the current directory without one) into one WebAssembly
module, checks its manifest, and attaches it.

A plugin in Go is compiled, and its manifest comes from its code. For any other
language compile it first and name the result with --module: its manifest is
DIR/` + manifestFile + `, and the pages of DIR/docs become its documentation.`,
		Example: `  carrel plugin build ./crm -o crm.wasm
  carrel plugin build ./hello --module hello/build/hello.wasm`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			b := pluginBuild{dir: dir, module: module, output: output, stderr: cmd.ErrOrStderr()}
			built, err := b.run(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd, built)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s built  %s  %s\n", built.Plugin, built.Version,
				built.File, sizeOf(int64(built.Size)))
			return err
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "", "file to write (default NAME.wasm, the plugin's name)")
	command.Flags().StringVar(&module, "module", "", "compiled module of a plugin that isn't written in Go")
	jsonFlag(command, &asJSON)
	return command
}

// pluginBuild is one run of `carrel plugin build`.
type pluginBuild struct {
	dir, module, output string
	stderr              io.Writer
}

// builtPlugin is its result.
type builtPlugin struct {
	File    string      `json:"file"`
	Plugin  string      `json:"plugin"`
	Version string      `json:"version"`
	Size    int         `json:"size"`
	Digest  core.Digest `json:"digest"`
}

func (b *pluginBuild) run(ctx context.Context) (builtPlugin, error) {
	const op = "plugin.Build"
	code, section, err := b.compile(ctx)
	if err != nil {
		return builtPlugin{}, err
	}
	manifest, err := core.DecodeManifest(op, section)
	if err != nil {
		return builtPlugin{}, &fileError{"the manifest", err}
	}
	if err := core.CheckManifest(manifest); err != nil {
		return builtPlugin{}, core.ViolationsOf(err).Err(op,
			"The manifest of the plugin in "+b.dir+" is not valid, so nothing was written.")
	}
	done, err := runtime.AttachManifest(code, section)
	if err != nil {
		return builtPlugin{}, err
	}
	output := b.output
	if output == "" {
		output = manifest.Name + ".wasm"
	}
	if err := writeFile(output, done); err != nil {
		return builtPlugin{}, core.E(op, core.Invalid, "The module cannot be written: %v.", err)
	}
	return builtPlugin{output, manifest.Publisher + "/" + manifest.Name, manifest.Version, len(done), runtime.DigestOf(done)}, nil
}

// compile returns the module's code and its manifest.
func (b *pluginBuild) compile(ctx context.Context) (code, manifest []byte, err error) {
	const op = "plugin.Build"
	if b.module != "" {
		return b.adopt()
	}
	if sources, _ := filepath.Glob(filepath.Join(b.dir, "*.go")); len(sources) == 0 {
		return nil, nil, core.E(op, core.Invalid,
			"There is no Go source in the directory %q. Name the directory of a plugin; if it is "+
				"written in another language, compile it and name the module with --module.", b.dir)
	}
	if code, err = b.goBuild(ctx); err != nil {
		return nil, nil, err
	}
	engine, err := runtime.New(ctx, runtime.Config{})
	if err != nil {
		return nil, nil, err
	}
	defer engine.Close(ctx)
	module, err := engine.LoadBytes(ctx, code)
	if err != nil {
		return nil, nil, err
	}
	if manifest, err = engine.Manifest(ctx, module); err != nil {
		return nil, nil, err
	}
	if manifest == nil {
		return nil, nil, core.E(op, core.Invalid,
			"The module of %s declares nothing: import the package sdk and call sdk.Plugin in an init function.", b.dir)
	}
	return code, manifest, nil
}

// goBuild compiles the package in dir. The flags keep everything out of the
// module that would differ on another machine.
func (b *pluginBuild) goBuild(ctx context.Context) ([]byte, error) {
	const op = "plugin.Build"
	scratch, err := os.MkdirTemp("", "carrel-build-")
	if err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	defer os.RemoveAll(scratch)
	file := filepath.Join(scratch, "plugin.wasm")
	build := exec.CommandContext(ctx, "go", "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w", "-o", file, ".")
	build.Dir = b.dir
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	build.Stdout, build.Stderr = b.stderr, b.stderr
	if err := build.Run(); errors.Is(err, exec.ErrNotFound) {
		return nil, core.E(op, core.Invalid,
			"Building a plugin in Go needs the go command, and it is not in the PATH: install Go from https://go.dev/dl.")
	} else if err != nil {
		return nil, core.E(op, core.Invalid, "The plugin in %s doesn't compile: %v; go build says why above.", b.dir, err)
	}
	code, err := os.ReadFile(file)
	return code, core.Wrap(op, core.Unavailable, err)
}

// adopt reads a compiled module and the manifest written by hand. Pages of the
// docs directory fill those the manifest leaves empty.
func (b *pluginBuild) adopt() (code, manifest []byte, err error) {
	const op = "plugin.Build"
	if code, err = readModule(b.module); err != nil {
		return nil, nil, &fileError{b.module, err}
	}
	file := filepath.Join(b.dir, manifestFile)
	written, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, core.E(op, core.Invalid,
			"The manifest cannot be read: %v. A plugin that isn't written in Go declares itself in %s.", err, manifestFile)
	}
	m, err := core.DecodeManifest(op, written)
	if err != nil {
		return nil, nil, &fileError{file, err}
	}
	for name, page := range map[string]*string{
		"installation": &m.Docs.Installation, "configuration": &m.Docs.Configuration,
		"data_model": &m.Docs.DataModel, "api": &m.Docs.API, "events": &m.Docs.Events,
	} {
		text, err := os.ReadFile(filepath.Join(b.dir, "docs", name+".md"))
		if *page == "" && err == nil {
			*page = string(text)
		}
	}
	manifest, err = json.Marshal(m)
	return code, manifest, core.Wrap(op, core.Internal, err)
}

// writeFile replaces a file whole or not at all.
func writeFile(name string, data []byte) error {
	scratch, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(scratch.Name())
	_, err = scratch.Write(data)
	if err = errors.Join(err, scratch.Chmod(0o644), scratch.Close()); err != nil {
		return err
	}
	return os.Rename(scratch.Name(), name)
}
