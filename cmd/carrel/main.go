// Command carrel is the server and the tool of those who write plugins for it
// and operate it. All of it is in package cli.
package main

import (
	"os"

	"github.com/carrel-dev/carrel/cmd/carrel/cli"
)

func main() { os.Exit(cli.Main()) }
