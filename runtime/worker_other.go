//go:build !linux

package runtime

import (
	"os"
	"time"
)

// executable is this program.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// confine does nothing here: the engine's clock ends a worker that takes too
// long, but nothing bounds its memory. Linux is where Carrel serves strangers.
func confine(time.Duration) error { return nil }

// wasKilled knows nothing of signals here.
func wasKilled(error, time.Duration) (killed, outOfTime bool) { return false, false }
