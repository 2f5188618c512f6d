package wasm

// control reads the instructions that begin and end blocks, branch and call.
func (c *checker) control(op byte) {
	r, w := c.r, &c.walk
	straight := w.straight
	w.straight = straight && op == opBlock // which only names a place to branch to
	switch op {
	case opUnreachable:
		w.unreachable()
	case opBlock, opLoop, opIf:
		if op == opIf {
			c.pop(1)
		}
		c.begin(op)
		if b := &w.blocks[len(w.blocks)-1]; op == opLoop && straight && b.params == 0 && r.err == nil {
			w.heads, w.first = true, b.edit
		}
	case opElse:
		c.otherwise()
	case opEnd:
		c.finish()
	case opBr:
		c.branch()
		w.unreachable()
	case opBrIf:
		n := c.label()
		c.pop(1)
		c.pop(n)
		w.push(n)
	case opBrTable:
		c.branchTable()
		c.pop(1)
		w.unreachable()
	case opReturn:
		c.edits = append(c.edits,
			edit{at: uint32(r.at - 1), end: uint32(r.at), argument: uint32(len(w.blocks) - 1), kind: editReturn})
		w.blocks[0].branches.join(w.path)
		w.unreachable()
	case opCall:
		if index := c.function(); r.err == nil {
			c.call(c.functions[index])
		}
	case opCallIndirect:
		kind := c.below(len(c.types), "type")
		c.below(len(c.tables), "table")
		w.path.add(memoryWeight - 1)
		if c.pop(1); r.err == nil {
			c.call(kind)
		}
	}
}

func (c *checker) call(kind uint32) {
	s := &c.types[kind]
	c.walk.calls = true
	c.pop(len(s.Params))
	c.walk.push(len(s.Results))
}

// branch reads a branch that is always taken.
func (c *checker) branch() {
	w := &c.walk
	label := c.r.at
	to := c.target()
	if c.r.err != nil {
		return
	}
	if ahead := w.shorter(label-1, to); ahead != to {
		to = ahead
		c.edits = append(c.edits,
			edit{at: uint32(label), end: uint32(c.r.at), argument: uint32(len(w.blocks) - 1 - to), kind: editBranch})
	}
	w.join(to)
}

// branchTable reads the targets of a br_table.
func (c *checker) branchTable() {
	r, w := c.r, &c.walk
	loop := w.dispatching(r.at - 1)
	n := r.count("branches")
	if n > c.bounds.BranchTable {
		r.fail("a br_table has %d targets; the limit is %d", n, c.bounds.BranchTable)
	}
	first := len(w.targets)
	for i := 0; i <= n && r.err == nil; i++ {
		to := c.target()
		if r.err != nil {
			return
		}
		w.join(to)
		if loop >= 0 {
			w.targets = append(w.targets, w.blocks[to].opened)
		}
	}
	if loop >= 0 {
		w.dispatches = append(w.dispatches, dispatch{w.got, w.targets[first:]})
		w.blocks[loop].dispatch = len(w.dispatches)
	}
}

// label reads the target of a branch and returns how many values it takes.
func (c *checker) label() int {
	to := c.target()
	if c.r.err != nil {
		return 0
	}
	return c.walk.join(to)
}

// target reads the target of a branch.
func (c *checker) target() int {
	blocks := len(c.walk.blocks)
	return blocks - 1 - int(c.below(blocks, "block"))
}

// join notes that the path branches to a block, and returns how many values the
// branch takes.
func (w *walk) join(to int) int {
	w.leaps = w.leaps || to == 0
	b := &w.blocks[to]
	b.branches.join(w.path)
	b.joined = true
	if b.opcode == opLoop {
		return b.params
	}
	return b.results
}

func (c *checker) begin(op byte) {
	w := &c.walk
	params, results := c.blockType()
	if len(w.blocks) > c.bounds.Nesting {
		c.r.fail("blocks are nested more than %d deep", c.bounds.Nesting)
	}
	c.pop(params)
	b := block{opcode: op, params: params, results: results, floor: w.height, before: w.path}
	if op == opLoop {
		if w.loops++; w.loops*w.locals > c.bounds.LoopLocals {
			c.r.fail("%d loops within each other have %d locals; the limit is %d, multiplied", w.loops,
				w.locals, c.bounds.LoopLocals)
		}
		b.edit = len(c.edits)
		w.path.charge = 0
		c.countCheck()
		kind := editLoop
		if params > 0 {
			kind = editLoopWithParams
		}
		c.edits = append(c.edits, edit{at: uint32(c.r.at), end: uint32(c.r.at), kind: kind})
	}
	b.joined = op == opIf
	w.open(b, c.r.at)
	w.floor = w.height
	w.height += params
}

// blockType reads how many values a block takes and leaves.
func (c *checker) blockType() (params, results int) {
	at := c.r.at
	first := c.r.byte()
	switch {
	case first == emptyBlock:
		return 0, 0
	case ValueType(first).valid():
		return 0, 1
	}
	c.r.at = at
	index := c.r.signed(bytesOfI33)
	if index < 0 || index >= int64(len(c.types)) {
		c.r.failAt(at, "the type of a block is not there")
		return 0, 0
	}
	s := &c.types[index]
	return len(s.Params), len(s.Results)
}

// leave checks that a block leaves what it says.
func (c *checker) leave(b *block) {
	want := b.floor + b.results
	if h := c.walk.height; h > want || h < want && !b.unreachable {
		c.r.fail("a block leaves %d values and announces %d", h-b.floor, b.results)
	}
}

func (c *checker) otherwise() {
	w := &c.walk
	b := &w.blocks[len(w.blocks)-1]
	if b.opcode != opIf {
		c.r.fail("an else belongs to no if")
		return
	}
	c.leave(b)
	b.branches.join(w.path)
	w.path = b.before
	b.opcode, b.unreachable = opElse, false
	w.height = b.floor + b.params
}

func (c *checker) finish() {
	w := &c.walk
	b := w.blocks[len(w.blocks)-1]
	c.leave(&b)
	switch b.opcode {
	case opIf:
		if b.params != b.results {
			c.r.fail("an if without else leaves %d values and takes %d", b.results, b.params)
		}
		w.path.join(b.before)
		w.path.join(b.branches)
	case opLoop:
		c.edits[b.edit].argument = cost(max(b.before.charge, b.branches.charge))
		w.loops--
	default:
		w.path.join(b.branches)
	}
	c.countJoins(&b)
	w.blocks = w.blocks[:len(w.blocks)-1]
	w.height = b.floor + b.results
	w.most = max(w.most, w.height)
	w.floor = 0
	if n := len(w.blocks); n > 0 {
		w.floor = w.blocks[n-1].floor
	}
}
