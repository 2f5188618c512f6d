package runtime

import (
	"errors"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// executable is this program even when the file it was started from has been
// replaced since: an engine and its worker must be the same.
func executable() string { return "/proc/self/exe" }

// confine limits this process for good: memory, processor time, files, and its
// place in the queue for the processor, behind those who serve.
func confine(limit time.Duration) error {
	seconds := uint64((limit + time.Second - 1) / time.Second) // of all processors together
	errs := []error{unix.Setpriority(unix.PRIO_PROCESS, 0, 5)}
	for resource, most := range map[int]uint64{
		unix.RLIMIT_DATA: workerMemory + raceMemory, unix.RLIMIT_CPU: seconds, unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: maxArtifact, unix.RLIMIT_NOFILE: 64,
	} {
		errs = append(errs, unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}))
	}
	return errors.Join(errs...)
}

// ranOutOfTime says whether a process died of its limit of processor time.
func ranOutOfTime(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && (status.Signal() == syscall.SIGXCPU || status.Signal() == syscall.SIGKILL)
}
