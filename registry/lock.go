package registry

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/carrel-dev/carrel/core"
)

// lockDir takes the registry for this process. Two processes would each write
// an index.json without the other's releases. The kernel drops the lock with
// the process, so a killed one leaves nothing to clean up.
func lockDir(dir string) (*os.File, error) {
	const op = "registry.Open"
	file, err := os.OpenFile(filepath.Join(dir, "carrel.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(file.Name())
		file.Close()
		return nil, core.E(op, core.Unavailable,
			"The registry in %s is in use by another Carrel process (%s). Ask that server instead, with --server, or stop it first.",
			dir, strings.TrimSpace(string(holder)))
	}
	if err := file.Truncate(0); err != nil {
		file.Close()
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		file.Close()
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	return file, nil
}
