// Command http measures what Carrel takes for a request, all of it: over HTTP,
// with an API token, a plan and a plugin. Beside it are PocketBase with hooks in
// JavaScript, and handlers written by hand in Go, which are the limit.
//
//	go run ./http                    measure, print a table and the bars
//	go run ./http --json             print a line of JSON for each row instead
//	go run ./http --doc FILE         write the result into docs/benchmarks.md as well
//	go run ./http --work hook        only these kinds of work, comma-separated: hook,insert,list20
//	go run ./http --store sqlite     only this store: sqlite or postgres
//	go run ./http --impl carrel      only these, comma-separated; a prefix will do
//
// It needs Go and, for the rows on Postgres, that Postgres is installed: it runs
// one of its own. docs/benchmarks.md says what each row means. Start reading at
// contender.go.
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
	"slices"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/machine"
	"github.com/carrel-dev/carrel/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "http:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	effort
	works, stores, impls []string
	json                 bool
	doc                  string
}

func command(ctx context.Context, arguments []string, out io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	flags.BoolVar(&o.json, "json", false, "print a line of JSON for each row")
	flags.StringVar(&o.doc, "doc", "", "write what is printed into `FILE` too, between its markers")
	flags.IntVar(&o.connections, "connections", 16, "connections that ask at the same time")
	flags.IntVar(&o.rounds, "rounds", 7, "how often everything is measured; what is printed are medians")
	flags.DurationVar(&o.cell, "cell", 2*time.Second, "how long each measurement of a round takes")
	flags.DurationVar(&o.warm, "warm", time.Second, "how long each is tried before the first round")
	list(flags, &o.works, "work", "only these kinds of work, comma-separated: hook,insert,list20")
	list(flags, &o.stores, "store", "only this store: sqlite or postgres")
	list(flags, &o.impls, "impl", "only these, comma-separated; a prefix will do")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if _, err := os.Stat("guests/desk"); err != nil {
		return errors.New("run this in the folder bench: it builds the programs it finds there")
	}
	dir, err := os.MkdirTemp("", "carrel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	measured, err := o.compare(ctx, dir)
	if err != nil {
		return err
	}
	var printed bytes.Buffer
	if err := o.print(io.MultiWriter(out, &printed), measured); err != nil || o.doc == "" {
		return err
	}
	return report.Into(o.doc, "http", printed.String())
}

func list(flags *flag.FlagSet, to *[]string, name, usage string) {
	flags.Func(name, usage, func(s string) error {
		*to = strings.Split(s, ",")
		return nil
	})
}

// compare builds and starts the contenders that are wanted, measures them, and
// stops them.
func (o *options) compare(ctx context.Context, dir string) (measured result, err error) {
	defer say("")
	built := filepath.Join(dir, "programs")
	if err := os.Mkdir(built, 0o700); err != nil {
		return result{}, err
	}
	cluster := new(machine.Postgres)
	defer func() { err = errors.Join(err, cluster.Remove()) }()
	who := slices.DeleteFunc(entries(machine.Programs(built), cluster), func(e entry) bool {
		return o.stores != nil && !slices.Contains(o.stores, e.store) ||
			o.impls != nil && !slices.ContainsFunc(o.impls, func(s string) bool { return strings.HasPrefix(e.impl, s) })
	})
	what := slices.DeleteFunc(slices.Clone(client.Works), func(w client.Work) bool { return o.works != nil && !slices.Contains(o.works, w.Name) })
	if len(who) == 0 || len(what) == 0 || o.rounds < 1 {
		return result{}, errors.New("with these flags there is nothing to measure")
	}
	defer func() {
		for _, one := range who {
			err = errors.Join(err, one.Stop())
		}
	}()
	if who, err = prepareAll(ctx, who, dir, say); err != nil {
		return result{}, err
	}
	return o.measure(ctx, who, what, say)
}

func (o *options) print(out io.Writer, measured result) error {
	if o.json {
		return report.WriteJSON(out, measured.rows)
	}
	return printTable(out, measured)
}

// say shows on a terminal what is being done; nothing clears it.
func say(what string) {
	if about, err := os.Stderr.Stat(); err == nil && about.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", what)
	}
}
