// Command events measures Carrel's events, on embedded storage and on Postgres: how
// soon a plugin in Go hears of what a call emitted, how many deliveries a second
// there are, and what a workspace notices of another's storm.
//
//	go run ./events                  measure, print the figures and the bars they have to clear
//	go run ./events --json           print a line of JSON for each row instead
//	go run ./events --doc FILE       write the result into docs/benchmarks.md as well
//	go run ./events --only storm     only this one: latency, rate or storm
//	go run ./events --store sqlite   only on this store: sqlite or postgres
//	go run ./events --cpu FILE       profile the rate
//
// It needs Go and, for the rows on Postgres, that Postgres is installed: it runs
// one of its own. docs/benchmarks.md says what each figure means. Start reading at
// measure.go.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/carrel-dev/carrel/bench/machine"
	"github.com/carrel-dev/carrel/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "events:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	json      bool
	doc, only string
	store     string // empty: all
	cpu       string
	rounds    int // of the rate
	samples   int // of the time from a call to its effect
	spread    int // workspaces that the rate is spread over
	each      int // events that wait in each of them
	storm     int // events that wait in the one workspace
}

func command(ctx context.Context, arguments []string, out io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("events", flag.ContinueOnError)
	flags.BoolVar(&o.json, "json", false, "print a line of JSON for each row")
	flags.StringVar(&o.doc, "doc", "", "write what is printed into `FILE` too, between its markers")
	flags.StringVar(&o.only, "only", "", "only this measurement: latency, rate or storm")
	flags.StringVar(&o.store, "store", "", "only on this store: sqlite or postgres")
	flags.IntVar(&o.rounds, "rounds", 3, "how often the rate is taken; what is printed are medians")
	flags.StringVar(&o.cpu, "cpu", "", "write a CPU profile of the rate into `FILE`")
	flags.IntVar(&o.samples, "samples", 500, "how often the time from a call to its effect is taken")
	flags.IntVar(&o.spread, "spread", 200, "workspaces that the rate is spread over")
	flags.IntVar(&o.each, "each", 100, "events that wait in each of them")
	flags.IntVar(&o.storm, "storm", 100_000, "events that wait in the workspace of the storm")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if _, err := os.Stat("guests/bell"); err != nil {
		return errors.New("run this in the folder bench: it builds the plugin it finds there")
	}
	dir, err := os.MkdirTemp("", "carrel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	measured, err := o.everywhere(ctx, dir)
	if err != nil {
		return err
	}
	var printed bytes.Buffer
	if err := o.print(io.MultiWriter(out, &printed), measured); err != nil || o.doc == "" {
		return err
	}
	return report.Into(o.doc, "events", printed.String())
}

// everywhere measures on every store that is wanted and there.
func (o *options) everywhere(ctx context.Context, dir string) (all []result, err error) {
	err = machine.OnStores(o.store, func(store string, pg *machine.Postgres) error {
		measured, err := o.on(ctx, store, filepath.Join(dir, store), pg)
		if err == nil {
			all = append(all, measured)
		}
		return err
	})
	return all, err
}

func (o *options) on(ctx context.Context, store, dir string, pg *machine.Postgres) (_ result, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return result{}, err
	}
	h, err := open(ctx, store, dir, pg)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, h.close(ctx)) }()
	return o.measure(ctx, h)
}

func (o *options) print(out io.Writer, all []result) error {
	for i, measured := range all {
		if o.json {
			if err := report.WriteJSON(out, measured.rows); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "On %s:\n", measured.rows[0].Store)
		if err := report.Print(out, measured.figures); err != nil {
			return err
		}
	}
	return nil
}
