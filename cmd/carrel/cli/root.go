package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Main runs the process's command line and returns its exit code. The first
// interrupt asks the command to end; a second one ends the process.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	defer stop()
	return Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// Run runs one command line and returns its exit code.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	printError(errOut, cmd.CommandPath(), err)
	return exitCode(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "carrel",
		Short: "A platform whose every product feature is a plugin",
		Long: `Carrel serves workspaces, each with the plugins it installed. A plugin is a
WebAssembly module that runs in a sandbox of its own and reaches data, events
and billing only through what its workspace granted it.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the server cannot be
reached. Flags marked with a $NAME are also read from that environment variable.`,
		Example: `  carrel serve                               start a server, with its data in ./data
  carrel plugin build ./crm -o crm.wasm      build a plugin
  carrel plugin publish crm.wasm             offer it in the marketplace of ./data`,
		Args:              cobra.ArbitraryArgs,
		RunE:              group,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return readFlags(cmd) },
		Version:           thisBuild().String(),
		SilenceErrors:     true,
		SilenceUsage:      true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	// A command that only holds others can be run, but nobody would want to.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}",
		"{{if and .Runnable (not .HasAvailableSubCommands)}}", 1))
	root.SetVersionTemplate("{{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddGroup(
		&cobra.Group{ID: "serve", Title: "Run a server:"},
		&cobra.Group{ID: "plugin", Title: "Write plugins:"},
	)
	root.AddCommand(newServe(), newAdmin(), newBackup(), newRestore(), newExport(), newPlugin(), newVersion())
	refuseArguments(root)
	return root
}

// refuseArguments makes what the argument checks of all commands refuse wrong
// usage.
func refuseArguments(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = usage(check)
	}
	for _, sub := range cmd.Commands() {
		refuseArguments(sub)
	}
}

// group is what a command does that only holds others: without arguments it
// says what there is, with one it says that there is no such command.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	message := "there is no command " + cmd.CommandPath() + " " + args[0]
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		message += "; did you mean " + cmd.CommandPath() + " " + strings.Join(near, " or ") + "?"
	}
	return usagef("%s", message)
}
