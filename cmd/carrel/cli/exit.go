package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/core"
)

// The exit codes, as every help text promises them.
const (
	exitDone        = 0
	exitFailed      = 1 // refused, or failed
	exitUsage       = 2 // the command line is wrong
	exitUnreachable = 3 // the server did not answer
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// usage makes what an argument check of cobra refuses a usageError that names
// the arguments as the command's help does.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		_, takes, _ := strings.Cut(cmd.Use, " ")
		return usagef("%s takes %s, and was given %s", cmd.CommandPath(), cmp.Or(takes, "no arguments"),
			counted(len(args), "argument"))
	}
}

// unreachableError is a server that did not answer.
type unreachableError struct {
	server string
	err    error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("The server %s cannot be reached: %v. Check the address, and that it is running (carrel serve).", e.server, e.err)
}
func (e *unreachableError) Unwrap() error { return e.err }

func exitCode(err error) int {
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*unreachableError](err); ok {
		return exitUnreachable
	}
	return exitFailed
}

// failures are what went wrong with several things, each of which was tried.
type failures []error

func (f failures) Error() string   { return errors.Join(f...).Error() }
func (f failures) Unwrap() []error { return f }

// printError says what went wrong, where, and what to do next.
func printError(w io.Writer, command string, err error) {
	if several, ok := errors.AsType[failures](err); ok {
		for _, one := range several {
			printError(w, command, one)
		}
		return
	}
	fmt.Fprintf(w, "%s %s\n", paint(w, red, "Error:"), sentence(err))
	for _, v := range core.ViolationsOf(err) {
		fmt.Fprintf(w, "  - %s: %s\n", v.Location, v.Message)
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprintf(w, "Run '%s --help' to see how it is used.\n", command)
	}
}

// sentence is the message of an error for the person at the terminal. Unlike a
// client of the server they may see the cause: it is their machine.
func sentence(err error) string {
	e, ok := errors.AsType[*core.Error](err)
	if !ok {
		return err.Error()
	}
	if unreachable, ok := errors.AsType[*unreachableError](err); ok {
		return unreachable.Error()
	}
	prefix := ""
	if at, ok := errors.AsType[*fileError](err); ok {
		prefix = at.file + ": "
	}
	if e.Msg == "" {
		return prefix + e.Error()
	}
	cause := e.Err
	if _, ok := errors.AsType[core.Violations](cause); ok || cause == nil || strings.HasSuffix(e.Msg, core.MessageOf(cause)) {
		return prefix + e.Msg
	}
	return fmt.Sprintf("%s%s (%v)", prefix, e.Msg, cause)
}

// fileError is what went wrong with one of the files a command works on.
type fileError struct {
	file string
	err  error
}

func (e *fileError) Error() string { return e.file + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }
