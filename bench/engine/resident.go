package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// residentCommand is this program again, in a process where nothing else is:
// WAY GUEST DIRECTORY.
const residentCommand = "resident"

// footprint is what one idle instance takes, in KB.
type footprint struct {
	Private float64 `json:"private"` // pages of this process alone
	Heap    float64 `json:"heap"`    // of that, on Go's heap
}

// idle starts the process that measures one way.
func idle(ctx context.Context, w way, g *guest, dir string) (footprint, error) {
	var f footprint
	if w.resident == 0 {
		return f, nil
	}
	program, err := os.Executable()
	if err != nil {
		return f, err
	}
	cmd := exec.CommandContext(ctx, program, residentCommand, w.impl, g.name, dir)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("%w\n%s", err, problems.Bytes())
	}
	return f, json.Unmarshal(out, &f)
}

// idles measures where the memory of idle instances of the guest in Go is.
func (o *options) idles(ctx context.Context) ([]figure, error) {
	g, err := buildGuest("go", o.dir)
	if err != nil {
		return nil, err
	}
	var figures []figure
	for _, w := range ways {
		if !slices.Contains([]string{"carrel-pristine", "extism-reused", "wasmtime-preinit", "wazero-reused"}, w.impl) {
			continue
		}
		say("memory of " + w.impl)
		f, err := idle(ctx, w, g, o.dir)
		if err != nil {
			return nil, fmt.Errorf("memory of %s: %w", w.impl, err)
		}
		figures = append(figures,
			figure{Name: "an idle instance, " + w.impl, Value: f.Private, Unit: "KB"},
			figure{Name: "of that on Go's heap", Value: f.Heap, Unit: "KB"})
	}
	return figures, nil
}

// resident fills this process with idle instances and says what one takes.
func resident(ctx context.Context, arguments []string, out io.Writer) error {
	if len(arguments) != 3 {
		return errors.New("resident is started by this program itself")
	}
	at := slices.IndexFunc(ways, func(w way) bool { return w.impl == arguments[0] })
	if at < 0 {
		return fmt.Errorf("there is no way %q", arguments[0])
	}
	w, dir := ways[at], arguments[2]
	g, err := buildGuest(arguments[1], dir)
	if err != nil {
		return err
	}
	r, err := w.open(ctx, g, dir)
	if err != nil {
		return err
	}
	defer r.close()
	call := calls(1)[1] // the one with JSON
	keep := func() error { return r.keep(call.function, call.cases[0].input) }
	for range 3 { // what only the first ones take is not an instance's
		if err := keep(); err != nil {
			return err
		}
	}
	private, heap, err := memory()
	if err != nil {
		return err
	}
	for range w.resident {
		if err := keep(); err != nil {
			return err
		}
	}
	private2, heap2, err := memory()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(footprint{
		Private: (private2 - private) / float64(w.resident),
		Heap:    (heap2 - heap) / float64(w.resident),
	})
}

// memory returns this process's private memory and its Go heap, in KB, after
// everything that can go has gone.
func memory() (private, heap float64, err error) {
	for range 2 {
		runtime.GC()
		debug.FreeOSMemory()
	}
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "Private_Clean" && name != "Private_Dirty" {
			continue
		}
		kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		if err != nil {
			return 0, 0, err
		}
		private += kb
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return private, float64(stats.HeapAlloc) / 1024, nil
}
