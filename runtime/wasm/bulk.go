package wasm

// bulk is an operation on a range of a memory or table, with its immediates.
// Weaving moves each that a module has into a function of its own.
type bulk struct {
	opcode byte // opMemoryGrow, or one behind opMisc
	a, b   uint32
}

// What a unit of fuel pays for, as a shift.
const (
	unitBytes    = 6  // 64 bytes
	unitElements = 3  // 8 elements
	unitPages    = -8 // a 256th of a page
)

// chunk is how many bytes are filled or copied between two checks.
const chunk = 1 << 20

// maxPages is what no memory grows beyond.
const maxPages = 65536

// signature is the type of the operation and of its function.
func (w *weaver) signature(b bulk) Signature {
	switch b.opcode {
	case opMemoryGrow:
		return Signature{Params: []ValueType{I32}, Results: []ValueType{I32}}
	case miscTableGrow:
		return Signature{Params: []ValueType{w.tables[b.a], I32}, Results: []ValueType{I32}}
	case miscTableFill:
		return Signature{Params: []ValueType{I32, w.tables[b.a], I32}}
	}
	return Signature{Params: []ValueType{I32, I32, I32}}
}

// bulkFunction writes the function of a bulk operation.
func (w *weaver) bulkFunction(b bulk) {
	o := &w.out
	o.raw(0) // no locals
	switch b.opcode {
	case opMemoryGrow:
		w.chargeSize(0, unitPages, func() { o.i32(maxPages) })
		o.get(0)
		o.op(opMemoryGrow, 0)
	case miscMemoryInit:
		w.chargeSize(2, unitBytes, func() { o.i32(int32(w.data[b.a])) })
		o.get(0, 1, 2)
		o.misc(miscMemoryInit, b.a, 0)
	case miscMemoryFill:
		w.fill()
	case miscMemoryCopy:
		w.copyMemory()
	case miscTableInit:
		w.chargeSize(2, unitElements, func() { o.misc(miscTableSize, b.b) })
		o.get(0, 1, 2)
		o.misc(miscTableInit, b.a, b.b)
	case miscTableCopy:
		w.chargeSize(2, unitElements, func() { o.misc(miscTableSize, b.a) })
		o.get(0, 1, 2)
		o.misc(miscTableCopy, b.a, b.b)
	case miscTableFill:
		w.chargeSize(2, unitElements, func() { o.misc(miscTableSize, b.a) })
		o.get(0, 1, 2)
		o.misc(miscTableFill, b.a)
	case miscTableGrow:
		w.growTable(b.a)
	}
	o.raw(opEnd)
}

// chargeSize takes a unit for the call off the fuel, and the size in a local
// unless it is more than the limit: then the operation fails and does nothing.
func (w *weaver) chargeSize(local uint32, unit int64, limit func()) {
	o := &w.out
	o.op(opGlobalGet, w.fuel)
	o.i64(1)
	o.raw(opI64Sub)
	o.get(local)
	o.i32(0)
	o.get(local)
	limit()
	o.raw(opI32LeU, opSelect, opI64ExtendU)
	if unit < 0 {
		o.i64(-unit)
		o.raw(opI64Shl)
	} else {
		o.i64(unit)
		o.raw(opI64ShrU)
	}
	o.raw(opI64Sub)
	o.op(opGlobalSet, w.fuel)
	w.check(toll{})
}

// growTable refuses to grow beyond the bound, as the table does beyond its own.
func (w *weaver) growTable(table uint32) {
	o := &w.out
	o.misc(miscTableSize, table)
	o.raw(opI64ExtendU)
	o.get(1)
	o.raw(opI64ExtendU, opI64Add)
	o.i64(int64(w.bounds.Table))
	o.raw(opI64GtU, opIf, emptyBlock)
	o.i32(-1)
	o.raw(opReturn, opEnd)
	w.chargeSize(1, unitElements, func() { o.get(1) })
	o.get(0, 1)
	o.misc(miscTableGrow, table)
}

// fill is memory.fill of (to, value, size), in chunks.
func (w *weaver) fill() {
	const to, value, size = 0, 1, 2
	o := &w.out
	fill := func() { o.misc(miscMemoryFill, 0) }
	w.inChunks(size, func() {
		w.beyond(to, size)
		o.raw(opIf, emptyBlock)
		o.get(to, value, size)
		fill() // traps, and has written nothing
		o.raw(opEnd)
		w.chunks(size, func() {
			o.get(to, value)
			o.i32(chunk)
			fill()
			w.add(to, opI32Add)
			w.add(size, opI32Sub)
		})
	})
	o.get(to, value, size)
	fill()
}

// copyMemory is memory.copy of (to, from, size), in chunks that begin where the
// copy overwrites none of what is still to be copied.
func (w *weaver) copyMemory() {
	const to, from, size = 0, 1, 2
	o := &w.out
	copyMemory := func() { o.misc(miscMemoryCopy, 0, 0) }
	w.inChunks(size, func() {
		w.beyond(to, size)
		w.beyond(from, size)
		o.raw(opI32Or, opIf, emptyBlock)
		o.get(to, from, size)
		copyMemory() // traps, and has written nothing
		o.raw(opEnd)
		o.get(to, from)
		o.raw(opI32GtU, opIf, emptyBlock)
		w.chunks(size, func() {
			w.add(size, opI32Sub)
			for _, place := range []uint32{to, from} {
				o.get(place, size)
				o.raw(opI32Add)
			}
			o.i32(chunk)
			copyMemory()
		})
		o.raw(opElse)
		w.chunks(size, func() {
			o.get(to, from)
			o.i32(chunk)
			copyMemory()
			w.add(to, opI32Add)
			w.add(from, opI32Add)
			w.add(size, opI32Sub)
		})
		o.raw(opEnd)
	})
	o.get(to, from, size)
	copyMemory()
}

// inChunks runs work if the size is more than a chunk, and charges for the
// chunk or less that is left then.
func (w *weaver) inChunks(size uint32, work func()) {
	o := &w.out
	o.get(size)
	o.i32(chunk)
	o.raw(opI32GtU, opIf, emptyBlock)
	work()
	o.raw(opEnd)
	w.chargeSize(size, unitBytes, func() { o.i32(chunk) })
}

// chunks runs work, which takes a chunk off the size, while there is more than
// one.
func (w *weaver) chunks(size uint32, work func()) {
	o := &w.out
	o.raw(opLoop, emptyBlock)
	w.check(toll{cost: 1 + chunk>>unitBytes, loop: true})
	work()
	o.get(size)
	o.i32(chunk)
	o.raw(opI32GtU)
	o.op(opBrIf, 0)
	o.raw(opEnd)
}

// add adds a chunk to a local, or takes it off.
func (w *weaver) add(local uint32, op byte) {
	o := &w.out
	o.get(local)
	o.i32(chunk)
	o.raw(op)
	o.op(opLocalSet, local)
}

// beyond says whether a range ends behind the memory.
func (w *weaver) beyond(from, size uint32) {
	o := &w.out
	o.get(from)
	o.raw(opI64ExtendU)
	o.get(size)
	o.raw(opI64ExtendU, opI64Add)
	o.op(opMemorySize, 0)
	o.raw(opI64ExtendU)
	o.i64(16)
	o.raw(opI64Shl, opI64GtU)
}
