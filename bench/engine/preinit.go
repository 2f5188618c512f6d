package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero"
)

// preinitialise does what wizer does: it starts a module once, and returns the
// same module with memory and globals as they were then, to be started no more.
// Like Carrel's images it is warmed with carrel_warm.
func preinitialise(ctx context.Context, module []byte) ([]byte, error) {
	m, err := splitModule(module)
	if err != nil {
		return nil, err
	}
	runtime, compiled, err := compileWazero(ctx, wazero.NewRuntimeConfigInterpreter(), m.exposed())
	if err != nil {
		return nil, err
	}
	defer runtime.Close(ctx)
	in, err := runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return nil, err
	}
	if warm := in.ExportedFunction("carrel_warm"); warm != nil {
		if _, err := warm.Call(ctx); err != nil {
			return nil, err
		}
	}
	values := make([]uint64, len(m.globals))
	for i, g := range m.globals {
		if g.mutable {
			values[i] = in.ExportedGlobal(exposedName(i)).Get()
		}
	}
	memory, _ := in.Memory().Read(0, in.Memory().Size())
	return m.started(memory, values)
}

// Sections of a module that matter here.
const (
	sectionImport    = 2
	sectionMemory    = 5
	sectionGlobal    = 6
	sectionExport    = 7
	sectionStart     = 8
	sectionData      = 11
	sectionDataCount = 12
)

// parts is a module taken apart.
type parts struct {
	sections []section
	globals  []global
}

type section struct {
	id   byte
	body []byte
}

type global struct {
	kind    byte
	mutable bool
	init    []byte // an expression, with its end
}

// errNotPlain marks a module that this small writer can't do justice to.
var errNotPlain = errors.New("the module cannot be pre-initialised")

func splitModule(module []byte) (*parts, error) {
	if len(module) < 8 {
		return nil, errNotPlain
	}
	m := &parts{}
	for r := (cursor{module[8:]}); len(r.rest) > 0; {
		id := r.byte()
		m.sections = append(m.sections, section{id, r.take(r.u32())})
	}
	for _, s := range m.sections {
		r := cursor{s.body}
		switch s.id {
		case sectionImport:
			for range r.u32() {
				r.take(r.u32())
				r.take(r.u32())
				if r.byte() != 0 {
					return nil, fmt.Errorf("%w: it imports more than functions", errNotPlain)
				}
				r.u32()
			}
		case sectionGlobal:
			for range r.u32() {
				m.globals = append(m.globals, global{kind: r.byte(), mutable: r.byte() == 1, init: r.constant()})
			}
		case sectionData:
			for range r.u32() {
				if r.u32() != 0 {
					return nil, fmt.Errorf("%w: it has passive data", errNotPlain)
				}
				r.constant()
				r.take(r.u32())
			}
		}
	}
	return m, nil
}

func exposedName(global int) string { return fmt.Sprintf("global.%d", global) }

// exposed is the module with its mutable globals exported, to be read.
func (m *parts) exposed() []byte {
	return m.join(func(s section) []byte {
		if s.id != sectionExport {
			return s.body
		}
		r := cursor{s.body}
		n := r.u32()
		exports := slices.Clone(r.rest)
		for i, g := range m.globals {
			if g.mutable {
				name := exposedName(i)
				exports = slices.Concat(exports, u32(len(name)), []byte(name), []byte{3}, u32(i))
				n++
			}
		}
		return slices.Concat(u32(n), exports)
	})
}

// started is the module as if it had started: memory and globals begin with
// these values, and nothing is left to start.
func (m *parts) started(memory []byte, values []uint64) ([]byte, error) {
	var globals []byte
	for i, g := range m.globals {
		init := g.init
		if g.mutable {
			switch g.kind {
			case 0x7f: // i32
				init = append(signed([]byte{0x41}, int64(int32(values[i]))), 0x0b)
			case 0x7e: // i64
				init = append(signed([]byte{0x42}, int64(values[i])), 0x0b)
			case 0x7d: // f32
				init = append(binary.LittleEndian.AppendUint32([]byte{0x43}, uint32(values[i])), 0x0b)
			case 0x7c: // f64
				init = append(binary.LittleEndian.AppendUint64([]byte{0x44}, values[i]), 0x0b)
			default:
				return nil, fmt.Errorf("%w: a mutable global is of type %#x", errNotPlain, g.kind)
			}
		}
		mutable := byte(0)
		if g.mutable {
			mutable = 1
		}
		globals = slices.Concat(globals, []byte{g.kind, mutable}, init)
	}
	seen := false
	out := m.join(func(s section) []byte {
		switch s.id {
		case sectionStart, sectionDataCount:
			return nil
		case sectionGlobal:
			return slices.Concat(u32(len(m.globals)), globals)
		case sectionMemory: // one, without a maximum or with it
			r := cursor{s.body}
			r.u32()
			flag := r.byte()
			r.u32()
			return slices.Concat(u32(1), []byte{flag}, u32(len(memory)>>16), r.rest)
		case sectionData:
			seen = true
			return dataSection(memory)
		}
		return s.body
	})
	if !seen {
		return nil, fmt.Errorf("%w: it has no data", errNotPlain)
	}
	return out, nil
}

// dataSection lays out everything in memory that isn't zero.
func dataSection(memory []byte) []byte {
	const gap = 64 // zeros that are worth a new segment
	n := 0
	var segments []byte
	for at := 0; at < len(memory); at++ {
		if memory[at] == 0 {
			continue
		}
		end := at + 1
		for zeros := 0; end+zeros < len(memory) && zeros < gap; {
			if memory[end+zeros] == 0 {
				zeros++
				continue
			}
			end, zeros = end+zeros+1, 0
		}
		segments = append(segments, 0)
		segments = append(signed(append(segments, 0x41), int64(int32(at))), 0x0b)
		segments = append(append(segments, u32(end-at)...), memory[at:end]...)
		n++
		at = end
	}
	return slices.Concat(u32(n), segments)
}

// join writes a module whose sections are what rewrite makes of them; nil
// leaves one out.
func (m *parts) join(rewrite func(section) []byte) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range m.sections {
		if body := rewrite(s); body != nil {
			out = slices.Concat(out, []byte{s.id}, u32(len(body)), body)
		}
	}
	return out
}

// cursor reads a module that a compiler has read before: what it finds is not
// checked.
type cursor struct{ rest []byte }

func (c *cursor) byte() byte { return c.take(1)[0] }

func (c *cursor) take(n int) []byte {
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) u32() int {
	v, n := binary.Uvarint(c.rest)
	c.take(n)
	return int(v)
}

// constant reads a constant expression with its end.
func (c *cursor) constant() []byte {
	from := c.rest
	switch op := c.byte(); op {
	case 0x43: // f32.const
		c.take(4)
	case 0x44: // f64.const
		c.take(8)
	default: // i32.const, i64.const, global.get, ref.null, ref.func: one number
		for c.byte()&0x80 != 0 {
		}
	}
	c.take(1)
	return from[:len(from)-len(c.rest)]
}

func u32(v int) []byte { return binary.AppendUvarint(nil, uint64(v)) }

// signed appends a number in signed LEB128.
func signed(to []byte, v int64) []byte {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(to, b)
		}
		to = append(to, b|0x80)
	}
}
