package machine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopWithin is how long a server may take to end.
const stopWithin = 30 * time.Second

// Process is a server that says on its standard output where it listens.
type Process struct {
	command *exec.Cmd
	address string
	log     string // the file of its standard error
	done    chan struct{}
}

var serves = regexp.MustCompile(`(?i)serves http://([0-9.:]+)`)

// Launch starts a server, with its log in a folder, and waits until it says where
// it is.
func (p *Process) Launch(ctx context.Context, dir, name string, arguments ...string) error {
	p.command, p.done = exec.CommandContext(ctx, name, arguments...), make(chan struct{})
	p.log = filepath.Join(dir, "log")
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer log.Close()
	p.command.Stderr = log // a file, as a pipe would have the client work for it
	out, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.command.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if found := serves.FindStringSubmatch(line); found != nil {
			p.address = found[1]
			go func() {
				defer close(p.done)
				_, _ = io.Copy(io.Discard, lines)
			}()
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s did not serve: %w\n%s", name, errors.Join(err, p.command.Wait()), p.logged())
		}
	}
}

// Stop ends the server, if it was started.
func (p *Process) Stop() error {
	if p.command == nil || p.address == "" {
		return nil
	}
	defer func() { p.address = "" }()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s had ended before: %w\n%s", p.command.Path, err, p.logged())
	}
	late := time.AfterFunc(stopWithin, func() { _ = p.command.Process.Kill() })
	defer late.Stop()
	<-p.done
	err := p.command.Wait()
	if state := p.command.ProcessState.Sys().(syscall.WaitStatus); state.Signaled() && state.Signal() == syscall.SIGTERM {
		return nil // it has no other way to end
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", p.command.Path, err, p.logged())
	}
	return nil
}

// logged is the end of the log.
func (p *Process) logged() []byte {
	const most = 4 << 10
	all, _ := os.ReadFile(p.log)
	return all[max(0, len(all)-most):]
}

// Host is where the server listens: host:port.
func (p *Process) Host() string { return p.address }

// ticks is the unit of /proc/PID/stat and /proc/stat, which is a hundredth of a second on every
// Linux that Go runs on.
const ticks = 100

// CPU is the processor time the process has used, in seconds; 0 where the system
// does not tell.
func (p *Process) CPU() float64 {
	return statOf(p.command.Process.Pid).used
}

// stat is what /proc/PID/stat says of a process.
type stat struct {
	parent      int
	used, ended float64 // processor time, of itself and of its children that ended; seconds
}

func statOf(pid int) (s stat) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s
	}
	_, after, _ := strings.Cut(string(text), ") ") // behind the name
	fields := strings.Fields(after)
	if len(fields) < 15 {
		return s
	}
	s.parent, _ = strconv.Atoi(fields[1])
	seconds := func(i int) float64 {
		n, _ := strconv.ParseFloat(fields[i], 64)
		return n / ticks
	}
	s.used, s.ended = seconds(11)+seconds(12), seconds(13)+seconds(14)
	return s
}

// Resident is the memory the process has, in MB; 0 where the system does not tell.
func (p *Process) Resident() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	return resident(string(status)) / 1024
}

// resident reads VmRSS, in KB.
func resident(status string) float64 {
	_, after, _ := strings.Cut(status, "\nVmRSS:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseFloat(fields[0], 64)
	return kb
}
