package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime"
)

// The ways of Carrel's engine.
var (
	pristine  = runtime.Config{}
	renewed   = runtime.Config{IdlePerInstallation: -1}                   // a new instance for each call
	reused    = runtime.Config{Measure: runtime.Measure{Dirty: true}}     // the memory the call before left
	unmetered = runtime.Config{Measure: runtime.Measure{Unmetered: true}} // no fuel, no stack budget, no deadline
)

// carrelRunner is Carrel's engine, as the server uses it.
type carrelRunner struct {
	ctx          context.Context
	engine       *runtime.Engine
	extism, bulk *runtime.Module
	kept         int
}

func openCarrel(config runtime.Config) func(context.Context, *guest, string) (runner, error) {
	return func(ctx context.Context, g *guest, cache string) (runner, error) {
		config.CacheDir = filepath.Join(cache, "carrel")
		config.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
		engine, err := runtime.New(ctx, config)
		if err != nil {
			return nil, err
		}
		c := &carrelRunner{ctx: ctx, engine: engine}
		var err2 error
		c.extism, err = engine.LoadBytes(ctx, g.extism)
		c.bulk, err2 = engine.LoadBytes(ctx, g.bulk)
		return c, errors.Join(err, err2)
	}
}

func (c *carrelRunner) call(function string, input []byte) ([]byte, error) {
	return c.callIn("ins_1", function, input)
}

func (c *carrelRunner) callIn(installation core.InstallationID, function string, input []byte) ([]byte, error) {
	module := c.extism
	if function == "echo" {
		module = c.bulk
	}
	r := c.engine.Run(c.ctx, module, runtime.Call{Function: function, Input: input, Now: time.Now(), Installation: installation})
	return r.Output, r.Err
}

func (c *carrelRunner) keep(function string, input []byte) error {
	c.kept++
	_, err := c.callIn(core.InstallationID(fmt.Sprintf("ins_%d", c.kept)), function, input)
	return err
}

func (c *carrelRunner) close() { _ = c.engine.Close(context.WithoutCancel(c.ctx)) }
