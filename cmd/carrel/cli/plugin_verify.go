package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime"
)

// verification is what a module's checks came to.
type verification struct {
	File     string          `json:"file"`
	Accepted bool            `json:"accepted"`
	Refused  string          `json:"refused,omitempty"` // why, and at which byte
	Report   *runtime.Report `json:"report"`            // null when refused
}

func newPluginVerify() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Run the checks a module must pass to be published",
		Long: `Checks a module as publishing it does: reads every byte of it, adds the fuel
and stack checks, compiles it, starts it, and takes the memory image its calls
will begin from. All of that happens in a child process with limits of memory
and time, so a module that would hurt a server hurts nothing here either.

Prints what was found, or what was refused, why, and at which byte. The manifest
is not looked at: carrel plugin inspect does that. The exit code is 0 when the
module is accepted and 1 when it is refused.`,
		Example: `  carrel plugin verify crm.wasm
  carrel plugin verify crm.wasm --json | jq .report.engine`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := verify(cmd, args[0])
			if err != nil && (v.Refused == "" || !asJSON) {
				return &fileError{args[0], err}
			}
			if !asJSON {
				return v.print(cmd.OutOrStdout())
			}
			if printErr := printJSON(cmd, v); printErr != nil {
				return printErr
			}
			if err != nil {
				return &fileError{args[0], err}
			}
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func verify(cmd *cobra.Command, file string) (v verification, err error) {
	v.File = file
	module, err := readModule(file)
	if err != nil {
		return v, err
	}
	engine, err := runtime.New(cmd.Context(),
		runtime.Config{Logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, engine.Close(cmd.Context())) }()
	p := newProgress(cmd.ErrOrStderr(), file, 0)
	defer p.end()
	report, err := engine.Verify(runtime.WithProgress(cmd.Context(), p.say), module)
	if core.KindOf(err) == core.Invalid {
		v.Refused = core.MessageOf(err)
	}
	if err == nil {
		v.Accepted, v.Report = true, &report
	}
	return v, err
}

// print writes the report for people.
func (v verification) print(w io.Writer) error {
	r := v.Report
	fmt.Fprintf(w, "%s is accepted.\n\n", v.File)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("digest", "%s", r.Digest)
	row("module", "%s, %d functions", sizeOf(r.Size), r.Functions)
	row("with checks", "%s of WebAssembly, %s of machine code", sizeOf(r.Woven), sizeOf(r.Code))
	if r.Engine == runtime.EngineImage {
		row("engine", "image: every call begins from one memory image")
		row("image", "%s, %s of them not zero", sizeOf(r.Image), sizeOf(r.Touched))
	} else {
		row("engine", "plain: every call starts the module anew, because %s", r.Plain)
	}
	row("start-up", "%d units of fuel", r.Fuel)
	if !r.Warm && r.Engine == runtime.EngineImage {
		row("", "it exports no carrel_warm, so its image is as cold as its start-up leaves it")
	}
	for _, stage := range r.Stages {
		row(stage.Name, "%s", stage.Took.Round(time.Millisecond))
	}
	return t.Flush()
}
