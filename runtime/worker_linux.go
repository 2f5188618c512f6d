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

// wasKilled says whether a process was killed, and if so whether for the processor
// time it had used: at its limit it gets the signal that anybody may send it.
func wasKilled(err error, limit time.Duration) (killed, outOfTime bool) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false, false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return false, false
	}
	const roundedOff = time.Second // the kernel counts in seconds
	switch status.Signal() {
	case syscall.SIGXCPU:
		return true, true
	case syscall.SIGKILL, syscall.SIGTERM:
		return true, exit.UserTime()+exit.SystemTime() > limit-roundedOff
	}
	return false, false
}
