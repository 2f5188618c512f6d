// Command scale measures what a server notices of workspaces that nobody asks
// anything: how soon it is there, how much memory it takes, and how long calls take,
// of one with many and of one with a few, on embedded storage and on Postgres.
//
//	go run ./scale                   measure, print the figures and the bars
//	go run ./scale --json            print a line of JSON for each row instead
//	go run ./scale --doc FILE        write the result into docs/benchmarks.md as well
//	go run ./scale --store sqlite    only on this store: sqlite or postgres
//	go run ./scale --workspaces 1000 so many instead of 100,000
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
	if err := command(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	json       bool
	doc        string
	store      string // empty: both
	workspaces int    // that nobody asks anything
	starts     int
	rounds     int
	cell       time.Duration // of one server in one round
}

func command(ctx context.Context, arguments []string, out io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.BoolVar(&o.json, "json", false, "print a line of JSON for each row")
	flags.StringVar(&o.doc, "doc", "", "write what is printed into `FILE` too, between its markers")
	flags.StringVar(&o.store, "store", "", "only on this store: sqlite or postgres")
	flags.IntVar(&o.workspaces, "workspaces", 100_000, "workspaces in the full system that nobody asks anything")
	flags.IntVar(&o.starts, "starts", 3, "how often each server is started; what is printed are medians")
	flags.IntVar(&o.rounds, "rounds", 7, "how often calls are measured; what is printed are medians")
	flags.DurationVar(&o.cell, "cell", 4*time.Second, "how long each measurement of a round takes")
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
	return report.Into(o.doc, "scale", printed.String())
}

// everywhere measures on every store that is wanted and there.
func (o *options) everywhere(ctx context.Context, dir string) (all []*result, err error) {
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

func (o *options) print(out io.Writer, all []*result) error {
	for i, r := range all {
		if o.json {
			if err := report.WriteJSON(out, r.rows()); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "On %s:\n", r.store)
		if err := report.Print(out, r.figures()); err != nil {
			return err
		}
	}
	return nil
}
