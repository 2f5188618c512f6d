package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	goruntime "runtime"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime"
)

// attackTime is the time limit of an attacker's call. Its fuel has no bound, so
// that time is what stops it.
const attackTime = time.Second

// attacks are guests that try to take the machine. Those that can be stopped by
// nothing but fuel are why there is fuel.
func attacks() []struct {
	name   string
	module []byte
} {
	// f(n) { if n == 0 return 0; f(n-1); return f(n-1) }
	tree := function{params: 1, code: slices.Concat(
		get(0), []byte{0x45, 0x04, 0x40}, constant(0), []byte{0x0f, 0x0b},
		get(0), constant(1), []byte{0x6b, 0x10, 1, 0x1a},
		get(0), constant(1), []byte{0x6b, 0x10, 1},
	)}
	fill := slices.Concat(constant(0), constant(0xaa), constant(16<<20), []byte{0xfc, 11, 0}) // memory.fill
	// touch(from, to) writes to each page of a range.
	touch := function{params: 2, code: slices.Concat(
		[]byte{0x03, 0x40}, get(0), constant(1), []byte{0x36, 0, 0}, // loop: i32.store
		get(0), constant(4096), []byte{0x6a, 0x22, 0}, get(1), []byte{0x49, 0x0d, 0, 0x0b}, constant(0),
	)}
	touches := func(from, to int32) []byte {
		return slices.Concat(constant(from), constant(to), []byte{0x10, 1})
	}
	grow := slices.Concat(constant(1023), []byte{0x40, 0, 0x1a}) // memory.grow to 64 MiB
	return []struct {
		name   string
		module []byte
	}{
		{"first touches of 64 MiB of image", assemble(1024, function{name: "run", code: touches(0, 64<<20)}, touch)},
		{"first touches of 8 MiB of image", assemble(128, function{name: "run", code: touches(0, 8<<20)}, touch)},
		{"first touches of 64 MiB of grown memory", assemble(1, function{name: "run", code: append(grow, touches(0, 64<<20)...)}, touch)},
		{"an endless loop", assemble(1, function{name: "run", code: append([]byte{0x03, 0x40, 0x0c, 0, 0x0b}, constant(0)...)})},
		{"a tree of 2^60 calls, no loop", assemble(1, function{name: "run", code: append(constant(60), 0x10, 1)}, tree)},
		{"3,000 times memory.fill of 16 MB, no loop", assemble(256, function{name: "run", code: append(slices.Repeat(fill, 3000), constant(0)...)})},
		{"endless recursion", assemble(1, function{name: "run", code: []byte{0x10, 0}})},
	}
}

// hostile measures what attackers do to their neighbour, a call of the guest in
// Go by somebody else, and to Go's collector, which everybody waits for.
func (o *options) hostile(ctx context.Context, out io.Writer) error {
	g, err := buildGuest("go", o.dir)
	if err != nil {
		return err
	}
	engine, victim, err := open(ctx, o.dir+"/hostile", runtime.DigestOf(g.extism), g.extism)
	if err != nil {
		return err
	}
	defer engine.Close(ctx)

	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "attacker\tstopped after, at most\tneighbour's p50\tp99\ttimes\truntime.GC() p99\t")
	neighbour := func() ([]time.Duration, error) { return o.serve(ctx, engine, victim) }
	quiet, err := neighbour()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "none\t–\t%s\t%s\t1\t%s\t\n", short(quantile(quiet, 0.5).Nanoseconds()), short(quantile(quiet, 0.99).Nanoseconds()), short(collect().Nanoseconds()))
	for _, a := range attacks() {
		say(a.name)
		module, err := engine.LoadBytes(ctx, a.module)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		stop := attack(ctx, engine, module)
		times, err := neighbour()
		gc := collect()
		longest := stop()
		if err != nil {
			return err
		}
		p99 := quantile(times, 0.99)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.2f\t%s\t\n", a.name, short(longest.Nanoseconds()), short(quantile(times, 0.5).Nanoseconds()),
			short(p99.Nanoseconds()), p99.Seconds()/quantile(quiet, 0.99).Seconds(), short(gc.Nanoseconds()))
	}
	say("")
	return w.Flush()
}

// attack calls a guest over and over until it is told to stop, which returns
// the longest call there was.
func attack(ctx context.Context, engine *runtime.Engine, module *runtime.Module) (stop func() time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	var longest time.Duration
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			r := engine.Run(ctx, module, runtime.Call{
				Function: "run", Now: time.Now(), Installation: core.InstallationID("ins_attacker"),
				Limits: runtime.Limits{Time: attackTime, Fuel: math.MaxInt64},
			})
			longest = max(longest, r.Duration)
		}
	})
	return func() time.Duration {
		cancel()
		done.Wait()
		return longest
	}
}

// serve calls the neighbour's guest like a server would: each on a goroutine of
// its own, one after the other, a few hundred a second.
func (o *options) serve(ctx context.Context, engine *runtime.Engine, module *runtime.Module) ([]time.Duration, error) {
	c := calls(o.seed)[1]
	var times []time.Duration
	for i := range 2000 {
		x := c.cases[i%len(c.cases)]
		begun, ended := time.Now(), make(chan runtime.Result)
		go func() {
			ended <- engine.Run(ctx, module, runtime.Call{Function: c.function, Input: x.input, Now: begun, Installation: "ins_neighbour"})
		}()
		r := <-ended
		times = append(times, time.Since(begun))
		if r.Err != nil {
			return nil, r.Err
		}
		if !bytes.Equal(r.Output, x.want) {
			return nil, fmt.Errorf("the neighbour answered %q", r.Output)
		}
		time.Sleep(2 * time.Millisecond)
	}
	slices.Sort(times)
	return times, nil
}

// collect runs Go's collector again and again, a millisecond apart, and returns
// the p99.
func collect() time.Duration {
	var times []time.Duration
	for range 500 {
		begun := time.Now()
		goruntime.GC()
		times = append(times, time.Since(begun))
		time.Sleep(time.Millisecond)
	}
	slices.Sort(times)
	return quantile(times, 0.99)
}
