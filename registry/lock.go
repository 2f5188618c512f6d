package registry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/carrel-dev/carrel/core"
)

const (
	lockPatience = 10 * time.Second      // a publication of the largest module takes a tenth of that on a slow disk
	lockPoll     = 10 * time.Millisecond // the kernel would wait without end
)

// errLocked is what tryLock says while another has the lock.
var errLocked = errors.New("locked")

// lock takes the folder for a change, and waits for others that change it, for
// up to 10 s. Two changes at a time would each write an index.json without the
// other's. Lookups need no lock. The kernel drops it with the process, so a
// killed one leaves nothing to clean up.
func (l *layout) lock(ctx context.Context) (unlock func(), err error) {
	const op = "registry.Lock"
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	again := time.NewTicker(lockPoll)
	defer again.Stop()
	for {
		unlock, err := l.tryLock()
		if !errors.Is(err, errLocked) {
			return unlock, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			holder, _ := os.ReadFile(l.lockFile())
			return nil, core.E(op, core.Unavailable,
				"Another Carrel process (%s) is changing the registry in %s and does not finish. Try again; if it hangs, end that process.",
				strings.TrimSpace(string(holder)), l.dir)
		}
	}
}

// tryLock is lock without waiting; errLocked says that another has it.
func (l *layout) tryLock() (unlock func(), err error) {
	file, err := os.OpenFile(l.lockFile(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, err
	}
	host, _ := os.Hostname()
	if err := file.Truncate(0); err == nil { // who has it is a help, not a need
		_, _ = fmt.Fprintf(file, "%d on %s", os.Getpid(), host)
	}
	return func() { file.Close() }, nil
}

func (l *layout) lockFile() string { return l.path("carrel.lock") }
