package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime"
)

func newPluginCall() *cobra.Command {
	var c pluginCall
	cmd := &cobra.Command{
		Use:   "call MODULE FUNCTION",
		Short: "Call a function of a module",
		Long: `Calls one exported function of a module and prints what it answers, byte for
byte. Any Extism module will do: the function takes no parameters, reads its
input, and sets its output. What the module logs goes to standard error.

The module sees no file, no environment and no network but what --allow-host
names. Everything that belongs to a workspace (data, events, billing) needs a
server.

The flag --wasi is accepted for those used to it and changes nothing: WASI is
always there, and opens nothing.`,
		Example: `  carrel plugin call count_vowels.wasm count_vowels --input "Hello, world"
  carrel plugin call greet.wasm greet --input @request.json --config greeting=Servus
  echo hello | carrel plugin call echo.wasm echo --input @-`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.stdin, c.stdout, c.stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return c.run(cmd.Context(), args[0], args[1])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&c.input, "input", "", "the input: text, @FILE, or @- for standard input")
	flags.StringArrayVar(&c.config, "config", nil, "give the module a configuration value, `KEY=VALUE` (repeat for more)")
	flags.StringArrayVar(&c.hosts, "allow-host", nil, "let the module send HTTP requests to this `HOST`, or *.example.com (repeat for more)")
	flags.DurationVar(&c.timeout, "timeout", 30*time.Second, "stop the call after this time")
	flags.Int64Var(&c.fuel, "fuel", 0, "the most work the call may do, in `UNITS` (about one iteration of a small loop each); 0 is the engine's own limit")
	flags.Int64Var(&c.memory, "memory", 256<<20, "the most memory the call may have, in `BYTES`")
	flags.Bool("wasi", true, "accepted, and always on")
	return cmd
}

// pluginCall is one run of `carrel plugin call`.
type pluginCall struct {
	input         string
	config, hosts []string
	timeout       time.Duration
	memory, fuel  int64

	stdin          io.Reader
	stdout, stderr io.Writer
}

func (c *pluginCall) run(ctx context.Context, file, function string) error {
	if c.timeout <= 0 || c.memory <= 0 {
		return usagef("--timeout and --memory must be above 0")
	}
	if c.fuel < 0 {
		return usagef("--fuel must not be negative; 0 is the engine's own limit")
	}
	config, err := keyValues(c.config)
	if err != nil {
		return err
	}
	host, err := newFileHost(c.hosts, c.log)
	if err != nil {
		return err
	}
	code, err := readModule(file)
	if err != nil {
		return &fileError{file, err}
	}
	input, err := c.readInput()
	if err != nil {
		return err
	}

	engine, err := c.engine(ctx)
	if err != nil {
		return err
	}
	defer engine.Close(ctx)
	module, err := engine.LoadBytes(ctx, code)
	if err != nil {
		return err
	}
	call := runtime.Call{
		Function: function, Input: input, Config: config, Host: host, Log: c.log, Now: time.Now(),
		Limits: runtime.Limits{Memory: c.memory, Time: c.timeout, Fuel: c.fuel},
	}
	_, _ = rand.Read(call.Seed[:]) // never fails
	result := engine.Run(ctx, module, call)
	if result.Err != nil {
		return c.failed(result)
	}
	_, err = c.stdout.Write(result.Output)
	return err
}

// engine keeps compiled code in the user's cache directory, so that the second
// call of a module starts at once; without such a directory it keeps none.
func (c *pluginCall) engine(ctx context.Context) (*runtime.Engine, error) {
	// What is kept depends on MaxMemory, so it is the engine's own where it can be.
	cfg := runtime.Config{MaxMemory: max(c.memory, 256<<20), Logger: slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelError}))}
	if dir, err := os.UserCacheDir(); err == nil {
		kept := cfg
		kept.CacheDir = filepath.Join(dir, "carrel", "modules")
		if engine, err := runtime.New(ctx, kept); err == nil {
			return engine, nil
		}
	}
	return runtime.New(ctx, cfg)
}

func (c *pluginCall) readInput() ([]byte, error) {
	const op = "plugin.Call"
	name, isFile := strings.CutPrefix(c.input, "@")
	var input []byte
	var err error
	switch {
	case !isFile:
		return []byte(c.input), nil
	case name == "-":
		input, err = io.ReadAll(c.stdin)
	default:
		input, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, core.E(op, core.Invalid, "The input cannot be read: %v.", err)
	}
	return input, nil
}

// log prints a line of the guest's.
func (c *pluginCall) log(level, message string) { fmt.Fprintf(c.stderr, "%s: %s\n", level, message) }

// failed prints where the guest crashed, if it did, and returns why.
func (c *pluginCall) failed(r runtime.Result) error {
	const heading = "wasm stack trace:"
	if _, trace, ok := strings.Cut(r.Err.Error(), heading); ok && r.Outcome == core.OutcomeTrap {
		fmt.Fprintf(c.stderr, "%s%s\n", heading, trace)
	}
	return core.E("plugin.Call", core.KindOf(r.Err), "%s", core.MessageOf(r.Err))
}

// keyValues reads the values of a flag given as KEY=VALUE.
func keyValues(pairs []string) (map[string]string, error) {
	values := map[string]string{}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, usagef("--config %q: write it as KEY=VALUE", pair)
		}
		values[key] = value
	}
	return values, nil
}
