package wasm

import "slices"

// thread finds branches that can be made shorter.
//
// A compiler whose code has no structure, Go's for one, puts a function into a
// loop that begins with a table of branches. To go to another block of the code
// it sets a local to the block's number and branches back to the loop:
//
//	loop block block … local.get $next br_table … end … i32.const 7 local.set $next br $loop …
//
// Where the block is still ahead, it is the end of a block around, so weaving
// has the code branch there at once. That saves a round of the loop with its
// check, and an indirect jump that the processor has to guess. Nothing else is
// different: the local is set all the same.
type thread struct {
	dispatches []dispatch
	targets    []int // of all dispatches: numbers of blocks, see walk.opened

	constant    uint32 // of the i32.const read last
	constantEnd int
	given       uint32 // constant that was set to a local
	givenTo     uint32
	givenEnd    int
	got         uint32 // local of the local.get read last
	gotAt       int
	gotEnd      int
}

// dispatch is the table of branches at the beginning of a loop.
type dispatch struct {
	local   uint32
	targets []int
}

// follow notes an instruction, with its first index, that stands from at to end.
func (t *thread) follow(op byte, index uint32, at, end int) {
	switch op {
	case opI32Const:
		t.constant, t.constantEnd = index, end
	case opLocalSet:
		if at == t.constantEnd {
			t.given, t.givenTo, t.givenEnd = t.constant, index, end
		}
	case opLocalGet:
		t.got, t.gotAt, t.gotEnd = index, at, end
	}
}

// dispatching returns the loop that begins with the br_table at a place, -1 if
// none does: between the two are blocks that take and leave nothing, and the
// choice is a local's.
func (w *walk) dispatching(at int) int {
	const emptyBlockSize = 2 // opcode and type
	i := len(w.blocks) - 1
	if at != w.gotEnd || w.gotAt != w.blocks[i].begins {
		return -1
	}
	for ; i > 0 && w.blocks[i].opcode == opBlock && w.blocks[i].begins == w.blocks[i-1].begins+emptyBlockSize; i-- {
	}
	if b := &w.blocks[i]; b.opcode != opLoop || b.params > 0 {
		return -1
	}
	return i
}

// shorter returns the block to whose end a branch at a place goes by way of
// another one, a loop; the same one if it goes no further, or not ahead.
func (w *walk) shorter(at, to int) int {
	b := &w.blocks[to]
	if at != w.givenEnd || b.dispatch == 0 {
		return to
	}
	d := &w.dispatches[b.dispatch-1]
	if d.local != w.givenTo || int64(w.given) >= int64(len(d.targets)) {
		return to
	}
	ahead, open := slices.BinarySearchFunc(w.blocks, d.targets[w.given], func(b block, number int) int { return b.opened - number })
	if !open || ahead <= to {
		return to
	}
	return ahead
}
