package spectest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// session runs the commands of one file on one of wazero's engines, with the
// modules in one form.
type session struct {
	form    form
	dir     fs.FS
	runtime wazero.Runtime
	meter   *meter // nil for originals

	named     map[string]api.Module
	last      api.Module
	instances []api.Module // in the order they were made
}

// How a command ends, besides the traps, which are wazero's words for them.
const (
	ok        = "ok"
	refused   = "refused"       // before any instance was made
	unlinked  = "not linked"    // no instance could be made
	exhausted = "out of stack"  // the calls nested too deep
	failed    = "failed"        // no trap says why
	missing   = "nothing there" // no such module or export
)

// outcome is how a command ended. Two outcomes are the same when the ending and
// the results are; the cause is for the reader.
type outcome struct {
	ending  string
	results []uint64
	cause   error
}

// same tells whether two runs of a command ended the same way. A module that is
// no good may be found out at different points.
func (o outcome) same(other outcome) bool {
	none := func(ending string) bool { return ending == refused || ending == unlinked }
	return (o.ending == other.ending || none(o.ending) && none(other.ending)) && slices.Equal(o.results, other.results)
}

func (o outcome) String() string {
	switch {
	case o.cause != nil:
		text, _, _ := strings.Cut(o.cause.Error(), "\n")
		return fmt.Sprintf("%s (%s)", o.ending, text)
	case o.results != nil:
		return fmt.Sprintf("%s %#x", o.ending, o.results)
	}
	return o.ending
}

// newSession starts an engine with the module that the suite's modules import.
// A guest of it gets slice units of fuel at a time.
func newSession(ctx context.Context, dir fs.FS, config wazero.RuntimeConfig, imported []byte, f form, slice int64) (*session, error) {
	s := &session{form: f, dir: dir, runtime: wazero.NewRuntimeWithConfig(ctx, config), named: map[string]api.Module{}}
	_, err := s.runtime.InstantiateWithConfig(ctx, imported, wazero.NewModuleConfig())
	if err == nil && f != original {
		s.meter = &meter{slice: slice}
		err = s.meter.open(ctx, s.runtime)
	}
	if err != nil {
		return nil, errors.Join(err, s.runtime.Close(ctx))
	}
	return s, nil
}

// do runs a command and returns how it ended.
func (s *session) do(ctx context.Context, c command) outcome {
	if s.meter != nil {
		s.meter.rewind(s.instances)
	}
	switch {
	case c.Action.Type == "invoke":
		return s.invoke(ctx, c.Action)
	case c.Action.Type == "get":
		return s.get(c.Action)
	case c.Filename != "":
		return s.instantiate(ctx, c)
	}
	return outcome{ending: missing, cause: fmt.Errorf("what to do for %s is not known", c)}
}

func (s *session) instantiate(ctx context.Context, c command) outcome {
	module, err := fs.ReadFile(s.dir, c.Filename)
	if err != nil {
		return outcome{ending: missing, cause: err}
	}
	module, finish, err := s.form.prepare(module)
	if err != nil {
		return outcome{ending: refused, cause: err}
	}
	code, err := s.runtime.CompileModule(ctx, module)
	if err != nil {
		return outcome{ending: refused, cause: err}
	}
	instance, err := s.runtime.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithName(c.As))
	if err == nil {
		err = finish(ctx, instance)
	}
	if err != nil {
		return failure(err, unlinked)
	}
	s.instances = append(s.instances, instance)
	if c.Type == "module" {
		s.last = instance
		if c.Name != "" {
			s.named[c.Name] = instance
		}
	}
	return outcome{ending: ok}
}

func (s *session) invoke(ctx context.Context, a action) outcome {
	module := s.module(a)
	if module == nil || module.ExportedFunction(a.Field) == nil {
		return outcome{ending: missing}
	}
	var args []uint64
	for _, arg := range a.Args {
		bits, err := arg.bits()
		if err != nil {
			return outcome{ending: missing, cause: err}
		}
		args = append(args, bits...)
	}
	f := module.ExportedFunction(a.Field)
	results, err := f.Call(ctx, args...)
	if err != nil {
		return failure(err, failed)
	}
	return outcome{ending: ok, results: results}
}

func (s *session) get(a action) outcome {
	module := s.module(a)
	if module == nil || module.ExportedGlobal(a.Field) == nil {
		return outcome{ending: missing}
	}
	return outcome{ending: ok, results: []uint64{module.ExportedGlobal(a.Field).Get()}}
}

func (s *session) module(a action) api.Module {
	if a.Module != "" {
		return s.named[a.Module]
	}
	return s.last
}

// failure is the outcome of an error while running: the trap, or what else it
// is.
func failure(err error, otherwise string) outcome {
	// The stack's trace names functions by number, which weaving shifts.
	text, _, _ := strings.Cut(err.Error(), "\n")
	_, trap, trapped := strings.Cut(text, "wasm error: ")
	switch {
	case errors.Is(err, errTooDeep), strings.HasSuffix(text, "stack overflow"):
		return outcome{ending: exhausted, cause: err}
	case trapped:
		return outcome{ending: trap, cause: err}
	}
	return outcome{ending: otherwise, cause: err}
}
