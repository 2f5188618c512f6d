package wasm

// YieldName is the function that a woven module imports from EngineModule, as its
// last import: `(i64 fuel, i32 stack) -> i64 fuel`. It is called when the fuel or
// the stack that is left is negative, and returns the fuel to go on with, or
// does not return. What was overdrawn is the caller's to count.
const YieldName = "yield"

// What a woven module exports besides its own.
const (
	FuelName  = Reserved + "fuel"  // mutable i64: what is left until the next yield, 0 at the start
	StackName = Reserved + "stack" // mutable i32: bytes left, the budget at the start
)

// plainSection is a custom section that only a woven module has which cannot be
// detached: the reason.
const plainSection = Reserved + "plain"

// Weaving is what Weave needs to know.
type Weaving struct {
	Stack     int32 // how many bytes of native stack the module's calls may take together
	Unmetered bool  // no check anywhere, to measure what they cost
}

var yieldType = Signature{Params: []ValueType{I64, I32}, Results: []ValueType{I64}}

// Weave returns the module with a fuel counter and a stack budget in it.
//
// Checks stand at the beginning of functions and loops, and in long code without
// any. Each takes a unit of fuel and what the heaviest path to it costs that is
// not paid yet, a unit for every 256 instructions, of which some count as more
// (docs/fuel.md); when less than nothing is left it yields. Operations on ranges
// of memory and tables become calls of functions that are appended to the module
// and charge by size.
//
// A function that calls takes an estimate of its frame off the stack while it
// runs; at most one frame is on the native stack that was not taken off.
//
// Custom sections are dropped. After a trap the stack is not put back: whoever
// calls the instance again sets StackName first.
func (c *Checked) Weave(w Weaving) []byte {
	v := &weaver{
		Checked: c,
		metered: !w.Unmetered,
		out:     make(code, 0, len(c.module)+len(c.module)/3+1024),
		yield:   uint32(c.imported[KindFunction]),
		fuel:    uint32(c.globals),
		stack:   uint32(c.globals) + 1,
		typeAt:  map[string]uint32{},
	}
	v.added = v.addedTypes()
	v.weave(w.Stack)
	return v.out
}

type weaver struct {
	*Checked
	out  code
	at   int // what of the module is not copied yet
	next int // edit

	yield, fuel, stack uint32 // indices of what is added
	added              []byte // types
	typeAt             map[string]uint32
	metered            bool
	frame              int32 // of the function being copied; 0 if it pays for none
	wrapped            bool  // it is in a block, to the end of which its returns branch
}

// addedTypes collects the types that are appended, and where they are.
func (w *weaver) addedTypes() []byte {
	var types []byte
	add := func(s Signature) {
		key := string(appendSignature(nil, s))
		if _, ok := w.typeAt[key]; !ok {
			w.typeAt[key] = uint32(len(w.types) + len(w.typeAt))
			types = append(types, key...)
		}
	}
	add(yieldType)
	for _, b := range w.bulk {
		add(w.signature(b))
	}
	for i := range w.bodies {
		if results := w.results(&w.bodies[i]); w.bodies[i].wrapped() && len(results) > 1 {
			add(Signature{Results: results})
		}
	}
	return types
}

func (w *weaver) results(b *body) []ValueType { return w.types[b.kind].Results }

func (w *weaver) typeOf(s Signature) uint32 { return w.typeAt[string(appendSignature(nil, s))] }

func (w *weaver) weave(stack int32) {
	w.out.raw(header...)
	w.section(sectionType, len(w.typeAt), func() { w.out.raw(w.added...) })
	w.section(sectionImport, 1, func() {
		w.out = appendName(appendName(w.out, EngineModule), YieldName)
		w.out.op(byte(KindFunction), w.typeOf(yieldType))
	})
	w.section(sectionFunction, len(w.bulk), func() {
		for _, b := range w.bulk {
			w.out = appendU32(w.out, w.typeOf(w.signature(b)))
		}
	})
	w.section(sectionTable, 0, nil)
	w.section(sectionMemory, 0, nil)
	w.section(sectionGlobal, 2, func() {
		w.out.raw(byte(I64), 1)
		w.out.i64(0)
		w.out.raw(opEnd, byte(I32), 1)
		w.out.i32(stack)
		w.out.raw(opEnd)
	})
	w.section(sectionExport, 2, func() {
		w.out = appendName(w.out, FuelName)
		w.out.op(byte(KindGlobal), w.fuel)
		w.out = appendName(w.out, StackName)
		w.out.op(byte(KindGlobal), w.stack)
	})
	w.section(sectionStart, 0, nil)
	w.section(sectionElement, 0, nil)
	w.section(sectionDataCount, 0, nil)
	w.code()
	w.section(sectionData, 0, nil)
	if w.plain != "" {
		w.out.raw(sectionCustom)
		w.out.sized(func() {
			w.out = appendName(w.out, plainSection)
			w.out.raw([]byte(w.plain)...)
		})
	}
}

// section writes a section of the module with entries added behind its own.
func (w *weaver) section(id byte, added int, write func()) {
	s := w.sections[id]
	if s.end == 0 && added == 0 {
		return
	}
	w.out.raw(id)
	w.out.sized(func() {
		if id != sectionStart && id != sectionDataCount {
			w.out = appendU32(w.out, uint32(s.count+added))
		}
		w.at = s.start
		w.copy(s.end)
		if added > 0 {
			write()
		}
	})
}

func (w *weaver) code() {
	if len(w.bodies)+len(w.bulk) == 0 {
		return
	}
	w.out.raw(sectionCode)
	w.out.sized(func() {
		w.out = appendU32(w.out, uint32(len(w.bodies)+len(w.bulk)))
		for i := range w.bodies {
			w.out.sized(func() { w.function(&w.bodies[i]) })
		}
		for _, b := range w.bulk {
			w.out.sized(func() { w.bulkFunction(b) })
		}
	})
}

func (w *weaver) function(b *body) {
	w.frame, w.wrapped = 0, w.metered && b.wrapped()
	if b.calls && w.metered {
		w.frame = b.frame
	}
	w.at = b.start
	w.copy(b.code)
	switch {
	case !w.metered:
	case !b.heads:
		w.check(toll{cost: b.cost, frame: w.frame > 0})
	case w.frame > 0: // the loop checks the fuel
		w.enter()
	}
	if w.wrapped {
		w.out.raw(opBlock)
		w.blockType(w.results(b))
	}
	w.copy(b.end)
	if w.frame == 0 {
		return
	}
	if !w.wrapped { // else the block has its end, and the function needs one
		w.out = w.out[:len(w.out)-1]
	}
	w.takeFrame(opI32Add)
	w.out.raw(opEnd)
}

func (w *weaver) blockType(results []ValueType) {
	switch len(results) {
	case 0:
		w.out.raw(emptyBlock)
	case 1:
		w.out.raw(byte(results[0]))
	default:
		w.out = appendSigned(w.out, int64(w.typeOf(Signature{Results: results})))
	}
}

// copy copies the module up to there, with its edits.
func (w *weaver) copy(until int) {
	for ; w.next < len(w.edits) && int(w.edits[w.next].at) < until; w.next++ {
		e := w.edits[w.next]
		if e.kind == editReturn && w.frame == 0 || e.kind >= editBulk && !w.metered {
			continue
		}
		w.out.raw(w.module[w.at:e.at]...)
		w.at = int(e.end)
		switch e.kind {
		case editFunction:
			w.out = appendU32(w.out, e.argument+1)
		case editBranch:
			w.out = appendU32(w.out, e.argument)
		case editReturn:
			w.giveBack(e.argument)
		case editBulk:
			w.out.op(opCall, uint32(len(w.functions))+1+e.argument)
		case editCharge:
			w.charge(e.argument)
		case editCheck, editLoopWithParams:
			w.check(toll{cost: e.argument})
		case editLoop:
			w.check(toll{cost: e.argument, loop: true})
		}
	}
	w.out.raw(w.module[w.at:until]...)
	w.at = until
}

// charge takes a cost off the fuel.
func (w *weaver) charge(cost uint32) {
	w.out.op(opGlobalGet, w.fuel)
	w.out.i64(int64(cost))
	w.out.raw(opI64Sub)
	w.out.op(opGlobalSet, w.fuel)
}

// takeFrame takes the function's frame off the stack, or gives it back.
func (w *weaver) takeFrame(op byte) {
	if w.frame == 0 {
		return
	}
	w.out.op(opGlobalGet, w.stack)
	w.out.i32(w.frame)
	w.out.raw(op)
	w.out.op(opGlobalSet, w.stack)
}

// giveBack writes a return from within so many blocks.
func (w *weaver) giveBack(blocks uint32) {
	if w.wrapped {
		w.out.op(opBr, blocks)
		return
	}
	w.takeFrame(opI32Add)
	w.out.raw(opReturn)
}

// enter takes the frame off the stack and yields for lack of that, which does
// not return: the compiler need not keep anything for after it.
func (w *weaver) enter() {
	o := &w.out
	o.raw(opBlock, emptyBlock)
	w.takeFrame(opI32Sub)
	o.op(opGlobalGet, w.stack)
	o.i32(0)
	o.raw(opI32GeS)
	o.op(opBrIf, 0)
	o.op(opGlobalGet, w.fuel)
	o.op(opGlobalGet, w.stack)
	o.op(opCall, w.yield)
	o.raw(opDrop, opUnreachable, opEnd)
}

// toll is what a check takes.
type toll struct {
	cost  uint32
	frame bool // the function's, off the stack, and yields for lack of that, too
	loop  bool // stands at the beginning of a loop without parameters
}

// check writes a check. The code that yields goes back to its beginning and is
// charged again, so it undoes the charge first: a compiler that lays out blocks
// in the order they are reached then puts it behind the rest of the function,
// and the way past it is one branch that is not taken. The loop to go back to
// is the one that the check begins, if there is one.
func (w *weaver) check(c toll) {
	o := &w.out
	if !c.loop {
		o.raw(opLoop, emptyBlock)
	}
	o.raw(opBlock, emptyBlock)
	if c.frame {
		w.takeFrame(opI32Sub)
	}
	if c.cost > 0 {
		w.charge(c.cost)
	}
	o.op(opGlobalGet, w.fuel)
	if c.frame {
		o.op(opGlobalGet, w.stack)
		o.raw(opI64ExtendS, opI64Or)
	}
	o.i64(0)
	o.raw(opI64GeS)
	o.op(opBrIf, 0)
	o.op(opGlobalGet, w.fuel)
	o.op(opGlobalGet, w.stack)
	o.op(opCall, w.yield)
	o.i64(int64(c.cost))
	o.raw(opI64Add)
	o.op(opGlobalSet, w.fuel)
	if c.frame {
		w.takeFrame(opI32Add)
	}
	o.op(opBr, 1)
	o.raw(opEnd)
	if !c.loop {
		o.raw(opEnd)
	}
}
