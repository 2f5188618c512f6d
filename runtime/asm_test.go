package runtime

import (
	"encoding/binary"
	"slices"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// asm assembles small modules: for what no compiler would emit.
type asm struct {
	imports []asmFunc
	funcs   []asmFunc
	start   string // function of the start section
	memory  []byte // limits; nil for none
	data    string // at address 0
	table   []byte // limits; nil for none
}

// asmFunc is an imported function (module set) or one of the module's own.
// Its signature is that of fn.
type asmFunc struct {
	module, name, signature string
	private                 bool // not exported
	locals                  []byte
	code                    []byte // without the final end
}

func u32(v uint32) []byte { return binary.AppendUvarint(nil, uint64(v)) }

func i32Const(v int32) []byte { return signed([]byte{0x41}, int64(v)) }

func i64Const(v int64) []byte { return signed([]byte{0x42}, v) }

func signed(out []byte, v int64) []byte {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

func asmCall(index uint32) []byte { return append([]byte{0x10}, u32(index)...) }

func text(s string) []byte { return append(u32(uint32(len(s))), s...) }

func vector(items ...[]byte) []byte {
	return append(u32(uint32(len(items))), slices.Concat(items...)...)
}

func section(id byte, body []byte) []byte {
	return slices.Concat([]byte{id}, u32(uint32(len(body))), body)
}

func (a asm) bytes() []byte {
	var types, imports, funcs, exports, code [][]byte
	typeOf := func(f asmFunc) []byte {
		list := func(ts []wasm.ValueType) []byte {
			out := u32(uint32(len(ts)))
			for _, t := range ts {
				out = append(out, byte(t))
			}
			return out
		}
		s := fn(f.signature, nil).signature
		types = append(types, slices.Concat([]byte{0x60}, list(s.Params), list(s.Results)))
		return u32(uint32(len(types) - 1))
	}
	for _, f := range a.imports {
		imports = append(imports, slices.Concat(text(f.module), text(f.name), []byte{0}, typeOf(f)))
	}
	start := []byte(nil)
	for i, f := range a.funcs {
		index := u32(uint32(len(a.imports) + i))
		funcs = append(funcs, typeOf(f))
		if !f.private {
			exports = append(exports, slices.Concat(text(f.name), []byte{0}, index))
		}
		if f.name == a.start {
			start = index
		}
		locals := f.locals
		if locals == nil {
			locals = []byte{0}
		}
		body := slices.Concat(locals, f.code, []byte{0x0b})
		code = append(code, append(u32(uint32(len(body))), body...))
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = append(out, section(1, vector(types...))...)
	out = append(out, section(2, vector(imports...))...)
	out = append(out, section(3, vector(funcs...))...)
	if a.table != nil {
		out = append(out, section(4, vector(append([]byte{0x70}, a.table...)))...)
	}
	if a.memory != nil {
		out = append(out, section(5, vector(a.memory))...)
	}
	out = append(out, section(7, vector(exports...))...)
	if start != nil {
		out = append(out, section(8, start)...)
	}
	out = append(out, section(10, vector(code...))...)
	if a.data != "" {
		out = append(out, section(11, vector(slices.Concat([]byte{0}, i32Const(0), []byte{0x0b}, text(a.data))))...)
	}
	return out
}

// pages are limits of a memory without a maximum.
func pages(n uint32) []byte { return append([]byte{0}, u32(n)...) }

// carrelImports are write, call and read, as functions 0 to 2.
var carrelImports = []asmFunc{
	{module: "carrel:host/v1", name: "write", signature: "ii"},
	{module: "carrel:host/v1", name: "call", signature: "i:I"},
	{module: "carrel:host/v1", name: "read", signature: "ii:i"},
}

// speaks makes a carrel_abi that returns version.
func speaks(version int32) asmFunc {
	return asmFunc{name: ExportABI, signature: ":i", code: i32Const(version)}
}

// answering is the smallest plugin: it answers always the same.
func answering(answer string) []byte {
	return asm{
		imports: carrelImports,
		memory:  pages(1),
		data:    answer,
		funcs: []asmFunc{speaks(1), {name: ExportCall, signature: ":i", code: slices.Concat(
			i32Const(0), i32Const(int32(len(answer))), asmCall(0),
			i32Const(1), asmCall(1), []byte{0x1a}, // drop
			i32Const(0),
		)}},
	}.bytes()
}

// forever is `loop br 0 end`.
var forever = []byte{0x03, 0x40, 0x0c, 0x00, 0x0b}

// row is an instruction many times over, without a loop.
func row(times int, code ...[]byte) []byte {
	var one, all []byte
	for _, c := range code {
		one = append(one, c...)
	}
	for range times {
		all = append(all, one...)
	}
	return all
}

// bulkOp is a bulk operation with its immediates.
func bulkOp(code byte, immediates ...byte) []byte { return append([]byte{0xfc, code}, immediates...) }

// opDrop takes a value off the operand stack.
var opDrop = []byte{0x1a}

// counting runs body n times; it takes a unit of fuel each.
func counting(n int32, body ...byte) []byte {
	return slices.Concat(i32Const(n), []byte{0x21, 0x00, 0x03, 0x40}, body,
		[]byte{0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b})
}

var counter = []byte{1, 1, 0x7f} // the local that counting uses
