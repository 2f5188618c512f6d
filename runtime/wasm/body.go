package wasm

// body is a function as weaving sees it.
type body struct {
	start, code, end int // of its local declarations, its first instruction, itself
	kind             uint32
	cost             uint32 // at its entry
	frame            int32  // estimate in bytes, if it calls
	calls            bool
	leaps            bool // a branch goes to its end
	heads            bool // straight into a loop, which checks the fuel of the entry too
}

// walk is the state while one function's instructions are read. The operand
// stack is followed in height only: the compiler sees to the types.
type walk struct {
	body
	blocks   []block // the function itself is the first
	locals   int     // with the parameters
	height   int     // of the operand stack
	floor    int     // what the innermost block may not take
	most     int     // greatest height
	values   int     // instructions' results, all together
	path     path    // that leads here
	loops    int     // around
	checks   int     // so far
	first    int     // edit of the loop that the function begins with
	straight bool    // no branch, loop or call yet
	vectors  bool
	joins    int // values that paths join in, see countJoins
	thread

	// These go on from function to function, so that nothing has to be cleared.
	opened int   // blocks
	last   []int // of each local: how many blocks were opened when it was last set
}

// block is a block, loop, if or else, or the function.
type block struct {
	opcode          byte
	unreachable     bool // behind a branch that is always taken
	begins          int  // where its first instruction is
	params, results int
	floor           int  // height of the operand stack below the parameters
	before          path // that leads to it
	branches        path // that branches to it
	joined          bool // paths join at its end, or its beginning if it is a loop: something branches to it, or it is an if
	opened          int  // its number, in the order blocks are opened in
	set             int  // locals that are set in it
	edit            int  // of a loop
	dispatch        int  // of a loop that begins with one: its number in thread.dispatches, from 1
}

// path is the heaviest of the paths that lead to a place: what it weighs since
// the last charge, and since the last check.
type path struct{ charge, check int }

// join makes p the heavier of two paths.
func (p *path) join(q path) {
	p.charge, p.check = max(p.charge, q.charge), max(p.check, q.check)
}

func (p *path) add(weight int) {
	p.charge += weight
	p.check += weight
}

// What instructions weigh. Those that are not named weigh 1.
const (
	unitWeight      = 256            // a unit of fuel
	memoryWeight    = 16             // a load, a store or an indirect call: it may miss the cache
	slowWeight      = 16             // arithmetic that is slow
	referenceWeight = unitWeight / 2 // ref.func, which calls code of the engine's
)

// A check costs a unit, and what the path to it weighs that is not paid yet. A
// path that weighs chargeWeight is charged without a check; where there has been
// no check for checkWeight, by one.
const (
	chargeWeight = 4 * unitWeight
	checkWeight  = 64 * unitWeight
)

// cost is what a check takes for a path of that weight, in units of fuel.
func cost(weight int) uint32 { return uint32(1 + weight/unitWeight) }

func (c *checker) readBody() {
	kind := c.functions[c.imported[KindFunction]+len(c.bodies)]
	c.r.within(c.r.u32(), "a function", func() { c.bodies = append(c.bodies, c.readCode(kind)) })
}

func (c *checker) readCode(kind uint32) body {
	r, w, s := c.r, &c.walk, c.types[kind]
	*w = walk{
		blocks: w.blocks[:0], opened: w.opened, last: w.last, straight: true,
		thread: thread{dispatches: w.dispatches[:0], targets: w.targets[:0]},
		body:   body{kind: kind, start: r.at},
	}
	locals, wide := r.locals(c.bounds.Locals)
	w.code = r.at
	w.locals = len(s.Params) + locals
	if n := w.locals - len(w.last); n > 0 && r.err == nil {
		w.last = append(w.last, make([]int, n)...)
	}
	w.open(block{opcode: opBlock, results: len(s.Results)}, r.at)
	for len(w.blocks) > 0 && r.err == nil {
		c.instruction()
	}
	w.end = r.at
	// What a path weighs that leads out is paid at the entry.
	w.cost = cost(w.path.charge)
	if w.heads && r.err == nil {
		first := &c.edits[w.first]
		first.argument = max(first.argument, w.cost)
	}
	w.frame = w.estimate(wide)
	return w.body
}

// estimate is how much of the native stack the compiler may take for a call of
// the function: a slot for each local and operand, and room for the values it
// puts aside around calls, those that paths join in among them.
func (w *walk) estimate(wide int) int32 {
	const fixed, slot, most = 64, 8, 1 << 28
	height, joins := w.most, w.joins
	if w.vectors {
		height, joins = 2*height, 2*joins
	}
	return int32(min(fixed+slot*(w.locals+wide+height)+w.values+joins, most))
}

// assigned notes that a local is set: in each block around that was opened since
// it was set last, as the others have counted it.
func (w *walk) assigned(local uint32) {
	for i := len(w.blocks) - 1; i >= 0 && w.blocks[i].opened > w.last[local]; i-- {
		w.blocks[i].set++
	}
	w.last[local] = w.opened
}

// open begins a block.
func (w *walk) open(b block, at int) {
	w.opened++
	b.opened = w.opened
	b.begins = at
	w.blocks = append(w.blocks, b)
}

// countJoins counts the values that paths join in at the end of a block, or at
// the beginning if it is a loop. Where a path on which a local was set joins one
// on which it was not, the compiler makes another value of both.
func (c *checker) countJoins(b *block) {
	w := &c.walk
	if !b.joined {
		return
	}
	if w.joins += b.set; w.joins > c.bounds.Joins {
		c.r.fail("a function has more than %d values in which paths join: locals that are set in blocks, for each block around", c.bounds.Joins)
	}
}

func (w *walk) push(n int) {
	w.height += n
	w.values += n
	w.most = max(w.most, w.height)
}

func (c *checker) pop(n int) {
	w := &c.walk
	if w.height -= n; w.height < w.floor {
		if !w.blocks[len(w.blocks)-1].unreachable {
			c.r.fail("an instruction lacks an operand")
		}
		w.height = w.floor
	}
}

// unreachable says that nothing comes behind this in the block: whatever is
// taken from the operand stack is there.
func (w *walk) unreachable() {
	w.blocks[len(w.blocks)-1].unreachable = true
	w.height = w.floor
	w.path = path{}
}

func (c *checker) instruction() {
	r, w := c.r, &c.walk
	if w.path.charge >= chargeWeight {
		c.pay()
	}
	at := r.at
	op := r.byte()
	w.path.add(1)
	in := &opcodes[op]
	var misc byte
	switch in.immediates {
	case control:
		c.control(op)
		return
	case prefix:
		if op == opMisc {
			misc = byte(min(r.u32(), 0xff)) // none is above that
			in = &miscOpcodes[misc]
		} else {
			vector := c.vector()
			in = &vectorOpcodes[vector]
			w.vectors = true
			if slowVector(vector) {
				w.path.add(slowWeight - 1)
			}
		}
	}
	if slow(op) {
		w.path.add(slowWeight - 1)
	}
	a, b := c.immediates(in.immediates, at)
	w.follow(op, a, at, r.at)
	c.pop(int(in.pops))
	if in.pushes > 0 {
		w.push(int(in.pushes))
	}
	switch {
	case misc > 0:
		c.misc(misc, a, b, at)
	case op == opMemoryGrow:
		c.addBulk(bulk{opcode: op}, at)
	case op == opLocalSet || op == opLocalTee:
		if r.err == nil {
			w.assigned(a)
		}
	case op == opTableSet:
		c.note(at, "it writes to its table")
	}
}

// pay puts a charge before the next instruction, or a check if there has been
// none for long.
func (c *checker) pay() {
	w := &c.walk
	e := edit{at: uint32(c.r.at), end: uint32(c.r.at), argument: uint32(w.path.charge / unitWeight), kind: editCharge}
	w.path.charge = 0
	if w.path.check >= checkWeight {
		e.kind = editCheck
		c.countCheck()
	}
	c.edits = append(c.edits, e)
}

// countCheck counts a check. To the compiler a check is a place where paths
// join, which costs it time and memory for each local.
func (c *checker) countCheck() {
	w := &c.walk
	w.path.check = 0
	if w.checks++; w.checks*w.locals > c.bounds.CheckLocals {
		c.r.fail("a function has %d loops or checks and %d locals; the limit is %d, multiplied", w.checks,
			w.locals, c.bounds.CheckLocals)
	}
}

// vector reads the opcode of a vector instruction. It is a number of up to two
// bytes; the compiler reads one, and takes a second that is 1 for a nop. Only
// what both read alike is let through.
func (c *checker) vector() byte {
	op := c.r.byte()
	if op >= 0x80 && c.r.byte() != 1 {
		c.r.fail("there is no such vector instruction")
	}
	return op
}

// immediates reads what follows an opcode and returns the indices.
func (c *checker) immediates(kind immediates, at int) (a, b uint32) {
	r, w := c.r, &c.walk
	switch kind {
	case none:
	case local:
		a = c.below(w.locals, "local")
	case global:
		c.below(c.globals, "global")
	case function:
		w.path.add(referenceWeight - 1)
		if index := c.function(); r.err == nil && !c.declared[index] {
			r.failAt(at, "an instruction refers to function %d, which no export, global or element names", index)
		}
	case table:
		a = c.below(len(c.tables), "table")
	case element:
		c.below(c.elementSegments, "element segment")
	case elementTable:
		a, b = c.below(c.elementSegments, "element segment"), c.below(len(c.tables), "table")
	case tableTable:
		a, b = c.below(len(c.tables), "table"), c.below(len(c.tables), "table")
	case data:
		c.below(max(c.announced, 0), "data segment")
	case dataMemory:
		a = c.below(max(c.announced, 0), "data segment")
		c.memory()
	case memory:
		c.memory()
	case memoryMemory:
		c.memory()
		c.memory()
	case address, addressLane:
		if c.memories == 0 {
			r.failAt(at, "an instruction needs a memory; there is none")
		}
		w.path.add(memoryWeight - 1)
		r.u32()
		r.u32()
		if kind == addressLane {
			r.byte()
		}
	case lane:
		r.byte()
	case bytes4:
		r.take(4)
	case bytes8:
		r.take(8)
	case bytes16:
		r.take(16)
	case signed32:
		a = uint32(r.signed(bytesOfI32))
	case signed64:
		r.skip(bytesOfI64)
	case refType:
		r.reference()
	case selectType:
		if r.byte() != 1 {
			r.fail("a select has not one type")
		}
		r.valueType()
	default:
		r.failAt(at, "there is no such instruction")
	}
	return a, b
}

// memory reads the index of a memory where only a zero byte may stand.
func (c *checker) memory() {
	if c.r.byte() != 0 || c.memories == 0 {
		c.r.fail("an instruction names a memory that is not there")
	}
}

// misc deals with the instructions behind opMisc that weaving changes or that
// rule an image out.
func (c *checker) misc(op byte, a, b uint32, at int) {
	switch op {
	case miscDataDrop:
		c.note(at, "it drops data")
	case miscElemDrop:
		c.note(at, "it drops elements")
	case miscTableInit, miscTableCopy, miscTableGrow, miscTableFill:
		c.note(at, "it writes to its table")
		fallthrough
	case miscMemoryInit, miscMemoryCopy, miscMemoryFill:
		c.addBulk(bulk{opcode: op, a: a, b: b}, at)
	}
}

// addBulk has weaving put a call in the place of a bulk operation, and a function
// for it behind the module's own.
func (c *checker) addBulk(b bulk, at int) {
	index, ok := c.bulkIndex[b]
	if !ok {
		index = uint32(len(c.bulk))
		c.bulk = append(c.bulk, b)
		c.bulkIndex[b] = index
	}
	c.edits = append(c.edits, edit{at: uint32(at), end: uint32(c.r.at), argument: index, kind: editBulk})
}

// wrapped says whether giving back the frame takes a block around the function:
// a branch may go to its end with the frame still taken.
func (b *body) wrapped() bool { return b.calls && b.leaps }
