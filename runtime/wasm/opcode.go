package wasm

// The instructions that are looked at or written by name.
const (
	opUnreachable  = 0x00
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opDrop         = 0x1a
	opSelect       = 0x1b
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableSet     = 0x26
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opF32Const     = 0x43
	opF64Const     = 0x44
	opI32GtU       = 0x4b
	opI32LeU       = 0x4d
	opI32GeS       = 0x4e
	opI64GtU       = 0x56
	opI64GeS       = 0x59
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI32Or        = 0x72
	opI64Add       = 0x7c
	opI64Sub       = 0x7d
	opI64Or        = 0x84
	opI64Shl       = 0x86
	opI64ShrU      = 0x88
	opI64ExtendS   = 0xac
	opI64ExtendU   = 0xad
	opRefNull      = 0xd0
	opRefFunc      = 0xd2
	opMisc         = 0xfc
	opVector       = 0xfd

	emptyBlock = 0x40
)

// Behind opMisc.
const (
	miscMemoryInit = 0x08
	miscDataDrop   = 0x09
	miscMemoryCopy = 0x0a
	miscMemoryFill = 0x0b
	miscTableInit  = 0x0c
	miscElemDrop   = 0x0d
	miscTableCopy  = 0x0e
	miscTableGrow  = 0x0f
	miscTableSize  = 0x10
	miscTableFill  = 0x11
)

// Behind opVector.
const vectorConst = 0x0c

// slow says whether an instruction may take the processor ten times as long as
// other arithmetic, and longer: divisions, square roots, and products of floats,
// which take it that long when a factor is denormal.
func slow(op byte) bool {
	switch {
	case 0x6d <= op && op <= 0x70, 0x7f <= op && op <= 0x82: // i32 and i64: div_s, div_u, rem_s, rem_u
	case op == 0x91, op == 0x94, op == 0x95: // f32: sqrt, mul, div
	case op == 0x9f, op == 0xa2, op == 0xa3: // f64
	default:
		return false
	}
	return true
}

// slowVector is slow of what is behind opVector.
func slowVector(op byte) bool {
	switch op {
	case 0xe3, 0xe6, 0xe7, 0xef, 0xf2, 0xf3: // f32x4 and f64x2: sqrt, mul, div
		return true
	}
	return false
}

// immediates is what follows an opcode in the code.
type immediates byte

const (
	unknown immediates = iota // no such instruction
	none
	control // read together with its effect on the blocks
	local
	global
	function
	table
	element
	elementTable
	tableTable
	data
	dataMemory
	memory       // a zero byte
	memoryMemory // two
	address      // alignment and offset
	addressLane
	lane
	bytes4
	bytes8
	bytes16
	signed32
	signed64
	refType
	selectType
	prefix
)

// instruction says what follows an opcode and what it does to the height of the
// operand stack.
type instruction struct {
	immediates   immediates
	pops, pushes int8
}

// opcodes, miscOpcodes and vectorOpcodes are the instructions of WebAssembly
// 2.0: what wazero knows as CoreFeaturesV2.
var (
	opcodes = instructions([]group{
		{0x00, 0x00, control, 0, 0}, // unreachable
		{0x01, 0x01, none, 0, 0},    // nop
		{0x02, 0x05, control, 0, 0}, // block, loop, if, else
		{0x0b, 0x11, control, 0, 0}, // end, br, br_if, br_table, return, call, call_indirect
		{0x1a, 0x1a, none, 1, 0},    // drop
		{0x1b, 0x1b, none, 3, 1},    // select
		{0x1c, 0x1c, selectType, 3, 1},
		{0x20, 0x20, local, 0, 1}, // get, set, tee
		{0x21, 0x21, local, 1, 0},
		{0x22, 0x22, local, 1, 1},
		{0x23, 0x23, global, 0, 1}, // get, set
		{0x24, 0x24, global, 1, 0},
		{0x25, 0x25, table, 1, 1}, // get, set
		{0x26, 0x26, table, 2, 0},
		{0x28, 0x35, address, 1, 1}, // loads
		{0x36, 0x3e, address, 2, 0}, // stores
		{0x3f, 0x3f, memory, 0, 1},  // memory.size
		{0x40, 0x40, memory, 1, 1},  // memory.grow
		{0x41, 0x41, signed32, 0, 1},
		{0x42, 0x42, signed64, 0, 1},
		{0x43, 0x43, bytes4, 0, 1},
		{0x44, 0x44, bytes8, 0, 1},
		{0x45, 0x45, none, 1, 1}, // i32 comparisons
		{0x46, 0x4f, none, 2, 1},
		{0x50, 0x50, none, 1, 1}, // i64 comparisons
		{0x51, 0x5a, none, 2, 1},
		{0x5b, 0x66, none, 2, 1}, // f32 and f64 comparisons
		{0x67, 0x69, none, 1, 1}, // i32 arithmetic
		{0x6a, 0x78, none, 2, 1},
		{0x79, 0x7b, none, 1, 1}, // i64 arithmetic
		{0x7c, 0x8a, none, 2, 1},
		{0x8b, 0x91, none, 1, 1}, // f32 arithmetic
		{0x92, 0x98, none, 2, 1},
		{0x99, 0x9f, none, 1, 1}, // f64 arithmetic
		{0xa0, 0xa6, none, 2, 1},
		{0xa7, 0xc4, none, 1, 1}, // conversions, sign extensions
		{0xd0, 0xd0, refType, 0, 1},
		{0xd1, 0xd1, none, 1, 1}, // ref.is_null
		{0xd2, 0xd2, function, 0, 1},
		{0xfc, 0xfd, prefix, 0, 0},
	})

	miscOpcodes = instructions([]group{
		{0x00, 0x07, none, 1, 1}, // saturating conversions
		{0x08, 0x08, dataMemory, 3, 0},
		{0x09, 0x09, data, 0, 0},
		{0x0a, 0x0a, memoryMemory, 3, 0},
		{0x0b, 0x0b, memory, 3, 0},
		{0x0c, 0x0c, elementTable, 3, 0},
		{0x0d, 0x0d, element, 0, 0},
		{0x0e, 0x0e, tableTable, 3, 0},
		{0x0f, 0x0f, table, 2, 1}, // table.grow, size, fill
		{0x10, 0x10, table, 0, 1},
		{0x11, 0x11, table, 3, 0},
	})

	vectorOpcodes = instructions([]group{
		{0x00, 0x0a, address, 1, 1}, // loads
		{0x0b, 0x0b, address, 2, 0}, // v128.store
		{0x0c, 0x0c, bytes16, 0, 1},
		{0x0d, 0x0d, bytes16, 2, 1}, // shuffle
		{0x0e, 0x0e, none, 2, 1},    // swizzle
		{0x0f, 0x14, none, 1, 1},    // splats
		{0x15, 0x16, lane, 1, 1},    // extract_lane, replace_lane
		{0x17, 0x17, lane, 2, 1},
		{0x18, 0x19, lane, 1, 1},
		{0x1a, 0x1a, lane, 2, 1},
		{0x1b, 0x1b, lane, 1, 1},
		{0x1c, 0x1c, lane, 2, 1},
		{0x1d, 0x1d, lane, 1, 1},
		{0x1e, 0x1e, lane, 2, 1},
		{0x1f, 0x1f, lane, 1, 1},
		{0x20, 0x20, lane, 2, 1},
		{0x21, 0x21, lane, 1, 1},
		{0x22, 0x22, lane, 2, 1},
		{0x23, 0x4c, none, 2, 1}, // comparisons
		{0x4d, 0x4d, none, 1, 1}, // not
		{0x4e, 0x51, none, 2, 1}, // and, andnot, or, xor
		{0x52, 0x52, none, 3, 1}, // bitselect
		{0x53, 0x53, none, 1, 1}, // any_true
		{0x54, 0x57, addressLane, 2, 1},
		{0x58, 0x5b, addressLane, 2, 0},
		{0x5c, 0x5d, address, 1, 1}, // loads of one lane, the others zero
		{0x5e, 0x64, none, 1, 1},    // demote, promote; i8x16
		{0x65, 0x66, none, 2, 1},
		{0x67, 0x6a, none, 1, 1}, // f32x4 rounding
		{0x6b, 0x73, none, 2, 1},
		{0x74, 0x75, none, 1, 1}, // f64x2 rounding
		{0x76, 0x79, none, 2, 1},
		{0x7a, 0x7a, none, 1, 1}, // f64x2.trunc
		{0x7b, 0x7b, none, 2, 1},
		{0x7c, 0x81, none, 1, 1}, // extadd_pairwise; i16x8
		{0x82, 0x82, none, 2, 1},
		{0x83, 0x84, none, 1, 1},
		{0x85, 0x86, none, 2, 1},
		{0x87, 0x8a, none, 1, 1},
		{0x8b, 0x93, none, 2, 1},
		{0x94, 0x94, none, 1, 1}, // f64x2.nearest
		{0x95, 0x99, none, 2, 1},
		{0x9b, 0x9f, none, 2, 1},
		{0xa0, 0xa1, none, 1, 1}, // i32x4
		{0xa3, 0xa4, none, 1, 1},
		{0xa7, 0xaa, none, 1, 1},
		{0xab, 0xae, none, 2, 1},
		{0xb1, 0xb1, none, 2, 1},
		{0xb5, 0xba, none, 2, 1},
		{0xbc, 0xbf, none, 2, 1},
		{0xc0, 0xc1, none, 1, 1}, // i64x2
		{0xc3, 0xc4, none, 1, 1},
		{0xc7, 0xca, none, 1, 1},
		{0xcb, 0xce, none, 2, 1},
		{0xd1, 0xd1, none, 2, 1},
		{0xd5, 0xdf, none, 2, 1},
		{0xe0, 0xe1, none, 1, 1}, // f32x4
		{0xe3, 0xe3, none, 1, 1},
		{0xe4, 0xeb, none, 2, 1},
		{0xec, 0xed, none, 1, 1}, // f64x2
		{0xef, 0xef, none, 1, 1},
		{0xf0, 0xf7, none, 2, 1},
		{0xf8, 0xff, none, 1, 1}, // conversions
	})
)

// group is a run of opcodes that are alike.
type group struct {
	first, last  int
	immediates   immediates
	pops, pushes int8
}

func instructions(groups []group) *[256]instruction {
	var all [256]instruction
	for _, g := range groups {
		for op := g.first; op <= g.last; op++ {
			all[op] = instruction{g.immediates, g.pops, g.pushes}
		}
	}
	return &all
}
