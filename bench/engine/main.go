// Command engine measures Carrel's engine beside its peers: Extism's SDK for Go,
// wasmtime through its Go binding, and plain wazero.
//
//	go run ./engine                  measure, print a table
//	go run ./engine --json           print a line of JSON for each row instead
//	go run ./engine --svg FILE       draw the picture of the README as well
//	go run ./engine --doc FILE       write the result into docs/benchmarks.md as well
//	go run ./engine --from FILE      take the rows --json printed, measure nothing
//	go run ./engine figures          what there is no row for: a bare loop, lists, publishing, restarts, memory
//	go run ./engine hostile          what attackers do to their neighbours
//
// It needs Go and, for wasmtime, a C compiler; for the guest in C clang with
// wasi-libc, for the one in AssemblyScript npm. A guest whose tools are missing
// is left out. docs/benchmarks.md says what each row means. Start reading at
// way.go.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	effort
	guests, impls, calls []string
	json                 bool
	svg, doc, from       string
	memory               bool
	dir                  string // for guests and compiled code
}

func command(ctx context.Context, arguments []string, out io.Writer) error {
	what := ""
	if len(arguments) > 0 && !strings.HasPrefix(arguments[0], "-") {
		what, arguments = arguments[0], arguments[1:]
	}
	switch what {
	case residentCommand:
		return resident(ctx, arguments, out)
	case restartCommand:
		return restart(ctx, arguments, out)
	}
	o, err := parse(arguments)
	if err != nil {
		return err
	}
	if !exists("guests") {
		return errors.New("run this in the folder bench: it builds the guests it finds there")
	}
	dir, err := os.MkdirTemp("", "carrel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o.dir = dir
	measure, ok := map[string]func(context.Context, io.Writer) error{
		"": o.compare, "figures": o.figures, "hostile": o.hostile,
	}[what]
	if !ok {
		return fmt.Errorf("there is no %q: it is nothing, figures or hostile", what)
	}
	var printed bytes.Buffer
	if err := measure(ctx, io.MultiWriter(out, &printed)); err != nil || o.doc == "" {
		return err
	}
	return report.Into(o.doc, cmp.Or(what, "calls"), printed.String())
}

// compare measures Carrel beside its peers.
func (o *options) compare(ctx context.Context, out io.Writer) error {
	var err error
	var rows []row
	if o.from != "" {
		rows, err = readRows(o.from)
	} else {
		rows, err = o.measureAll(ctx)
	}
	if err != nil {
		return err
	}
	if o.svg != "" {
		if err := os.WriteFile(o.svg, picture(rows), 0o644); err != nil {
			return err
		}
	}
	if o.json {
		return report.WriteJSON(out, rows)
	}
	if err := printTable(out, rows); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return report.Print(out, ratios(rows))
}

func parse(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("engine", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 15, "how often each way has its turn")
	flags.DurationVar(&o.cell, "cell", 5*time.Millisecond, "how long a turn is; at least one call")
	flags.Uint64Var(&o.seed, "seed", 1, "of the inputs and of the order of turns")
	flags.BoolVar(&o.json, "json", false, "print a line of JSON for each row")
	flags.BoolVar(&o.memory, "memory", true, "measure the memory of idle instances as well")
	flags.StringVar(&o.svg, "svg", "", "draw the picture into `FILE`")
	flags.StringVar(&o.doc, "doc", "", "write what is printed into `FILE` too, between its markers")
	flags.StringVar(&o.from, "from", "", "take the rows from `FILE`, which --json printed")
	list(flags, &o.guests, "guest", "only these, comma-separated: go,as,c")
	list(flags, &o.calls, "call", "only these, comma-separated: empty,json,echo10k,echo1m,sha256")
	list(flags, &o.impls, "impl", "only these ways, comma-separated; a prefix will do")
	return o, flags.Parse(arguments)
}

func list(flags *flag.FlagSet, to *[]string, name, usage string) {
	flags.Func(name, usage, func(s string) error {
		*to = strings.Split(s, ",")
		return nil
	})
}

// measureAll measures each guest that can be built.
func (o *options) measureAll(ctx context.Context) ([]row, error) {
	chosen := slices.DeleteFunc(slices.Clone(ways), func(w way) bool {
		return o.impls != nil && !slices.ContainsFunc(o.impls, func(s string) bool { return strings.HasPrefix(w.impl, s) })
	})
	var rows []row
	for _, name := range []string{"go", "as", "c"} {
		if o.guests != nil && !slices.Contains(o.guests, name) {
			continue
		}
		say := func(what string) { say(name + ": " + what) }
		say("building")
		g, err := buildGuest(name, o.dir)
		if errors.Is(err, errNoTool) {
			say("")
			fmt.Fprintf(os.Stderr, "Left out: %s.\n", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		measured, err := measure(ctx, g, chosen, o.chosenCalls, o.dir, o.effort, say)
		if err != nil {
			return nil, fmt.Errorf("guest %s: %w", name, err)
		}
		if o.memory {
			for _, w := range chosen {
				say("memory of " + w.impl)
				f, err := idle(ctx, w, g, o.dir)
				if err != nil {
					return nil, fmt.Errorf("guest %s, memory of %s: %w", name, w.impl, err)
				}
				for i := range measured {
					if measured[i].Impl == w.impl {
						measured[i].PrivateKB = f.Private
					}
				}
			}
		}
		rows = append(rows, measured...)
	}
	say("")
	return rows, nil
}

// chosenCalls are those the flags leave.
func (o *options) chosenCalls(seed uint64) []call {
	return slices.DeleteFunc(calls(seed), func(c call) bool { return o.calls != nil && !slices.Contains(o.calls, c.name) })
}

// say shows on a terminal what is being done; nothing clears it.
func say(what string) {
	if about, err := os.Stderr.Stat(); err == nil && about.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", what)
	}
}

func readRows(name string) ([]row, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var rows []row
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}
