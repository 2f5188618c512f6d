package wasm

import "math"

// Bounds are what a module may declare. A compiler spends seconds and gigabytes
// on modules of a few kilobytes that pass them; real plugins stay far below.
type Bounds struct {
	Size        int // bytes of the module
	Entries     int // of one section: functions, exports, segments
	Types       int // function types: wazero remembers each for as long as it runs
	Signatures  int // parameters and results of all of them
	Imports     int
	Parameters  int // of one function type; as many results
	Locals      int // of one function, its parameters aside
	Nesting     int // blocks, loops and ifs within each other
	LoopLocals  int // loops within each other times locals and parameters
	CheckLocals int // loops and other checks of one function times locals and parameters
	Joins       int // in one function: locals set in blocks, for each block around that something branches to
	BranchTable int // targets of one br_table
	Tables      int // in one module
	Table       int // elements of one table: when it starts, and after it has grown
	Segments    int // of elements, and of data that instructions may name; and exports of tables: each instance has its own
	Elements    int // in all tables when they start, and in all element segments
	Mutable     int // globals that can change: each is put back after each call
	Globals     int // of any kind: each instance has its own
}

// PluginBounds are the bounds of an uploaded plugin.
var PluginBounds = Bounds{
	Size:        32 << 20,
	Entries:     250_000,
	Types:       2_000,
	Signatures:  20_000,
	Imports:     1_000,
	Parameters:  255,
	Locals:      5_000,
	Nesting:     2_000,
	LoopLocals:  50_000,
	CheckLocals: 500_000,
	Joins:       500_000,
	BranchTable: 5_000,
	Tables:      16,
	Table:       100_000,
	Segments:    5_000,
	Elements:    200_000,
	Mutable:     1_000,
	Globals:     20_000,
}

// maxCustoms is how many custom sections a module may have. Compilers write
// about a dozen.
const maxCustoms = 1000

// Unbounded lets every valid module pass. It is for what passed PluginBounds
// before it was woven and for the specification's test suite, and unfit for
// uploads.
var Unbounded = Bounds{
	Size:        math.MaxInt32,
	Entries:     math.MaxInt32,
	Types:       math.MaxInt32,
	Signatures:  math.MaxInt,
	Imports:     math.MaxInt32,
	Parameters:  math.MaxInt32,
	Locals:      math.MaxInt32,
	Nesting:     math.MaxInt32,
	LoopLocals:  math.MaxInt,
	CheckLocals: math.MaxInt,
	Joins:       math.MaxInt,
	BranchTable: math.MaxInt32,
	Tables:      math.MaxInt32,
	Table:       math.MaxInt32,
	Segments:    math.MaxInt32,
	Elements:    math.MaxInt,
	Mutable:     math.MaxInt,
	Globals:     math.MaxInt,
}
