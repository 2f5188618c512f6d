package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/runtime"
)

// starts measures a release's first hours: its publication, and the first call
// of a server that was started again.
func (o *options) starts(ctx context.Context) ([]figure, error) {
	file, module, err := o.plugin()
	if err != nil {
		return nil, err
	}
	say("publishing")
	n := 0
	published, err := medianOf(3, func() (time.Duration, error) {
		n++
		begun := time.Now()
		engine, _, err := open(ctx, filepath.Join(o.dir, fmt.Sprint("published", n)), runtime.DigestOf(module), module)
		took := time.Since(begun)
		if err != nil {
			return 0, err
		}
		return took, engine.Close(ctx)
	})
	if err != nil {
		return nil, err
	}
	say("restarting")
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	restarted, err := medianOf(5, func() (time.Duration, error) {
		out, err := exec.CommandContext(ctx, program, restartCommand, file, filepath.Join(o.dir, "published1")).Output()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", restartCommand, err)
		}
		return time.ParseDuration(strings.TrimSpace(string(out)))
	})
	if err != nil {
		return nil, err
	}
	size := float64(len(module)) / 1e6
	return []figure{
		{Name: fmt.Sprintf("publishing a plugin of %.1f MB: check, weave, compile, image", size), Value: published.Seconds(), Unit: "s", Most: 5},
		{Name: "first call after a restart, engine and all, from the cache", Value: restarted.Seconds() * 1e3, Unit: "ms", Most: 80},
	}, nil
}

// restartCommand is this program again, as a server that starts: MODULE CACHE.
const restartCommand = "restart"

// restart makes one call of a cached release and says how long that took.
func restart(ctx context.Context, arguments []string, out io.Writer) error {
	if len(arguments) != 2 {
		return errors.New("restart is started by this program itself")
	}
	module, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	digest := runtime.DigestOf(module) // a server has it from the installation
	begun := time.Now()
	engine, m, err := open(ctx, arguments[1], digest, module)
	if err != nil {
		return err
	}
	r := engine.Run(ctx, m, runtime.Call{Function: runtime.ExportCall, Input: invocation("GET /contacts"), Now: time.Now(), Host: newLibrary(1)})
	took := time.Since(begun)
	if r.Err != nil {
		return r.Err
	}
	fmt.Fprintln(out, took)
	return engine.Close(ctx)
}
