package spectest

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// Functions that go from block to block through a table of branches do the same
// after weaving, which has some of them go straight. The suite has none of
// these, so they are made up: jumps ahead and back, to no block, by other
// locals, within blocks, and such that only look like them.
func TestDispatchesKeepTheirMeaning(t *testing.T) {
	const functions, inputs = 400, 12
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ctx := t.Context()
	m := &meter{slice: 7}
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	if err := m.open(ctx, r); err != nil {
		t.Fatal(err)
	}
	shorter := 0
	for range functions {
		module := dispatchModule(random)
		checked, err := wasm.Check(module, wasm.PluginBounds)
		if err != nil {
			t.Fatalf("%v\n%x", err, module)
		}
		woven := checked.Weave(wasm.Weaving{Stack: stackBudget})
		unmetered := checked.Weave(wasm.Weaving{Unmetered: true})
		if !bytes.Contains(unmetered, code(module)) {
			shorter++ // nothing else changes in code without calls
		}
		for input := range uint64(inputs) {
			want := dispatched(ctx, t, r, module, input)
			for form, bytes := range map[string][]byte{"woven": woven, "unmetered": unmetered} {
				if got := dispatched(ctx, t, r, bytes, input); got != want {
					t.Fatalf("%s, input %d: %#x, want %#x\n%x", form, input, got, want, module)
				}
			}
		}
	}
	if shorter < functions/4 {
		t.Errorf("%d of %d functions have a branch that was made shorter", shorter, functions)
	}
}

func dispatched(ctx context.Context, t *testing.T, r wazero.Runtime, module []byte, input uint64) uint64 {
	instance, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatalf("%v\n%x", err, module)
	}
	defer instance.Close(ctx)
	results, err := instance.ExportedFunction("f").Call(ctx, input)
	if err != nil {
		t.Fatalf("%v\n%x", err, module)
	}
	return results[0]
}

// The locals of a dispatchModule's function.
const (
	trace = iota // its parameter, and what it answers: the blocks it went through
	next
	other
	steps
)

// dispatchModule is a module of a function f, `(i32) -> i32`.
func dispatchModule(random *rand.Rand) []byte {
	d := dispatcher{Rand: random, blocks: 1 + random.IntN(7)}
	d.op(0x03, 0x40)
	for i := range d.blocks + 1 {
		if random.IntN(20) == 0 { // the loop begins with something else
			d.op(0x20, other, 0x21, next)
		}
		if i < d.blocks {
			d.op(0x02, 0x40)
		}
	}
	d.op(0x20, next)
	if random.IntN(8) == 0 { // the choice is not the local's
		d.op(0x41, 1, 0x73)
	}
	d.op(0x0e, byte(d.blocks-1))
	for i := range d.blocks {
		if random.IntN(4) == 0 {
			i = random.IntN(d.blocks)
		}
		d.op(byte(i))
	}
	for d.at = range d.blocks {
		d.op(0x0b)
		d.block()
	}
	d.op(0x0b, 0x20, trace)
	body := append([]byte{1, 3, 0x7f}, d.code...)
	body = append(body, 0x0b)
	section := func(id byte, content []byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(content))), content...)
	}
	module := []byte("\x00asm\x01\x00\x00\x00")
	module = append(module, section(1, []byte("\x01\x60\x01\x7f\x01\x7f"))...)
	module = append(module, section(3, []byte{1, 0})...)
	module = append(module, section(7, []byte("\x01\x01f\x00\x00"))...)
	return append(module, section(10, append(binary.AppendUvarint([]byte{1}, uint64(len(body))), body...))...)
}

// code is the body of a dispatchModule's function.
func code(module []byte) []byte { return module[bytes.Index(module, []byte{1, 3, 0x7f, 0x03, 0x40}):] }

type dispatcher struct {
	*rand.Rand
	code   []byte
	blocks int
	at     int // block
	nested int
}

func (d *dispatcher) op(bytes ...byte) { d.code = append(d.code, bytes...) }

// block notes in the trace that it was reached, ends what goes on for long, and
// goes on in some way.
func (d *dispatcher) block() {
	d.op(0x20, trace, 0x41, 31, 0x6c, 0x41, byte(d.at+1), 0x6a, 0x21, trace)
	d.op(0x20, steps, 0x41, 1, 0x6a, 0x22, steps, 0x41, 40, 0x4f, 0x04, 0x40, 0x20, trace, 0x0f, 0x0b)
	for range d.IntN(3) {
		d.op(0x20, trace, 0x41, 1<<d.IntN(3), 0x71) // if (trace & bit)
		d.op([][]byte{{0x04, 0x40}, {0x1a, 0x02, 0x40}, {0x1a, 0x03, 0x40}}[d.IntN(3)]...)
		d.nested++
		d.jump()
		d.nested--
		d.op(0x0b)
	}
	if d.IntN(2) == 0 {
		d.jump()
	}
}

func (d *dispatcher) jump() {
	loop := byte(d.blocks - 1 - d.at + d.nested)
	to := byte(d.IntN(d.blocks+2)-1) & 0x7f // a signed LEB128: 0x7f is -1
	switch d.IntN(9) {
	default:
		d.op(0x41, to, 0x21, next, 0x0c, loop)
	case 0:
		d.op(0x41, to, 0x21, other, 0x0c, loop)
	case 1:
		d.op(0x41, to, 0x21, next, 0x01, 0x0c, loop)
	case 2:
		d.op(0x41, to, 0x21, next, 0x20, trace, 0x21, next, 0x0c, loop)
	case 3:
		d.op(0x41, to, 0x22, next, 0x1a, 0x0c, loop)
	case 4:
		d.op(0x41, to, 0x21, next, 0x20, trace, 0x41, 1, 0x71, 0x0d, loop)
	}
}
