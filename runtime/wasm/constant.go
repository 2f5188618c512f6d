package wasm

// constant reads a constant expression and returns its opcode.
func (c *checker) constant() byte {
	at := c.r.at
	op := c.r.byte()
	switch op {
	case opGlobalGet:
		c.below(c.globals, "global")
	case opRefFunc:
		c.declare()
	default:
		c.r.constant(op)
	}
	if c.r.byte() != opEnd {
		c.r.failAt(at, "a constant expression has more than one instruction")
	}
	return op
}

// constant reads the value behind the opcode of a constant expression that
// names nothing, and returns it if it is an i32.
func (r *reader) constant(op byte) int32 {
	switch op {
	case opI32Const:
		return int32(r.signed(bytesOfI32))
	case opI64Const:
		r.signed(bytesOfI64)
	case opF32Const:
		r.take(4)
	case opF64Const:
		r.take(8)
	case opRefNull:
		r.reference()
	case opVector:
		if r.byte() != vectorConst {
			r.fail("an instruction in a constant expression is not constant")
		}
		r.take(16)
	default:
		r.fail("instruction %#x in a constant expression is not constant", op)
	}
	return 0
}

// expression reads a constant expression and returns its value if it is an i32
// written out.
func (r *reader) expression() int32 {
	var v int32
	switch op := r.byte(); op {
	case opGlobalGet, opRefFunc:
		r.u32()
	default:
		v = r.constant(op)
	}
	if r.byte() != opEnd {
		r.fail("a constant expression has more than one instruction")
	}
	return v
}
