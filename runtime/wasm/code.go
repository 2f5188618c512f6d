package wasm

import "slices"

// code is WebAssembly being written.
type code []byte

func (c *code) raw(b ...byte) { *c = append(*c, b...) }

// op writes an instruction with the indices behind it.
func (c *code) op(opcode byte, indices ...uint32) {
	*c = append(*c, opcode)
	for _, i := range indices {
		*c = appendU32(*c, i)
	}
}

// misc writes an instruction behind opMisc.
func (c *code) misc(opcode byte, indices ...uint32) {
	*c = append(*c, opMisc)
	c.op(opcode, indices...)
}

func (c *code) i32(v int32) { *c = appendSigned(append(*c, opI32Const), int64(v)) }

func (c *code) i64(v int64) { *c = appendSigned(append(*c, opI64Const), v) }

// get writes local.get of each index.
func (c *code) get(locals ...uint32) {
	for _, l := range locals {
		c.op(opLocalGet, l)
	}
}

// sized writes what write writes, its size before it.
func (c *code) sized(write func()) {
	from := len(*c)
	write()
	var size [5]byte
	*c = slices.Insert(*c, from, appendU32(size[:0], uint32(len(*c)-from))...)
}

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendSigned(b []byte, v int64) []byte {
	for v < -0x40 || v >= 0x40 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}

func appendName(b []byte, name string) []byte {
	return append(appendU32(b, uint32(len(name))), name...)
}

func appendSignature(b []byte, s Signature) []byte {
	b = append(b, 0x60)
	for _, types := range [][]ValueType{s.Params, s.Results} {
		b = appendU32(b, uint32(len(types)))
		for _, t := range types {
			b = append(b, byte(t))
		}
	}
	return b
}
