package main

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

// process is a server that says on its standard output where it listens.
type process struct {
	command *exec.Cmd
	address string
	log     string // the file of its standard error
	done    chan struct{}
}

var serves = regexp.MustCompile(`(?i)serves http://([0-9.:]+)`)

// launch starts a server, with its log in a folder, and waits until it says where
// it is.
func (p *process) launch(ctx context.Context, dir, name string, arguments ...string) error {
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

// stop ends the server.
func (p *process) stop() error {
	if p.command == nil || p.address == "" {
		return nil
	}
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
func (p *process) logged() []byte {
	const most = 4 << 10
	all, _ := os.ReadFile(p.log)
	return all[max(0, len(all)-most):]
}

func (p *process) host() string { return p.address }

// ticks is the unit of /proc/PID/stat, which is a hundredth of a second on every
// Linux that Go runs on.
const ticks = 100

// cpu is the processor time the process has used, in seconds; 0 where the system
// does not tell.
func (p *process) cpu() float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ") // behind the name
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticks
}
