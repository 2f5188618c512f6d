// Command noise measures what a workspace notices of another that asks for as much
// as it can: over HTTP, of a server as an operator runs it, on embedded storage and
// on Postgres.
//
//	go run ./noise                   measure, print a table and the bars
//	go run ./noise --json            print a line of JSON for each row instead
//	go run ./noise --doc FILE        write the result into docs/benchmarks.md as well
//	go run ./noise --store sqlite    only on this store: sqlite or postgres
//
// It needs Go and, for the rows on Postgres, that Postgres is installed: it runs
// one of its own. docs/benchmarks.md says what is measured. Start reading at
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
	"time"

	"github.com/carrel-dev/carrel/bench/machine"
	"github.com/carrel-dev/carrel/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := command
	if len(os.Args) > 1 && os.Args[1] == floodCommand { // this program's own child
		run = func(ctx context.Context, _ []string, out io.Writer) error { return flooding(ctx, os.Stdin, out) }
	}
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "noise:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	json    bool
	doc     string
	store   string        // empty: both
	rounds  int           // of alone and beside
	samples int           // of each
	flood   int           // connections of the noisy workspace
	solo    time.Duration // how long the maximum is looked for
}

func command(ctx context.Context, arguments []string, out io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("noise", flag.ContinueOnError)
	flags.BoolVar(&o.json, "json", false, "print a line of JSON for each row")
	flags.StringVar(&o.doc, "doc", "", "write what is printed into `FILE` too, between its markers")
	flags.StringVar(&o.store, "store", "", "only on this store: sqlite or postgres")
	flags.IntVar(&o.rounds, "rounds", 5, "how often everything is measured; what is printed are medians")
	flags.IntVar(&o.samples, "samples", 5_000, "requests of the quiet workspace in each measurement")
	flags.IntVar(&o.flood, "flood", 64, "connections of the noisy workspace")
	flags.DurationVar(&o.solo, "solo", 5*time.Second, "how long it is seen what the quiet workspace gets at most")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if _, err := os.Stat("guests/desk"); err != nil {
		return errors.New("run this in the folder bench: it builds the plugins it finds there")
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
	return report.Into(o.doc, "noise", printed.String())
}

// everywhere measures on every store that is wanted and there.
func (o *options) everywhere(ctx context.Context, dir string) (all []result, err error) {
	built := machine.Programs(filepath.Join(dir, "programs"))
	if err := os.Mkdir(string(built), 0o700); err != nil {
		return nil, err
	}
	err = machine.OnStores(o.store, func(store string, pg *machine.Postgres) error {
		measured, err := o.on(ctx, store, filepath.Join(dir, store), built, pg)
		if err == nil {
			all = append(all, measured)
		}
		return err
	})
	return all, err
}
