// Package cli is the command line: the tree of cobra commands, what they print,
// and their exit codes. A command reads its flags, calls the package that does
// the work, and prints the answer; it decides nothing itself, and must never be
// imported by anything but main.
//
// Data goes to standard output and everything else to standard error, so that
// a command's output can be piped. A command is a function newX that returns a
// *cobra.Command, in a file of its own, and is added where its parent is made.
//
// Start with root.go (running a command line), then exit.go (how one fails) and
// flags.go (flags, environment and configuration file).
package cli
