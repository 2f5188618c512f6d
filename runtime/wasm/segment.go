package wasm

// The bits of an element segment's kind.
const (
	elementPassive  = 1 // or, with elementNamed, declared only
	elementNamed    = 2 // names its table
	elementExpr     = 4 // has expressions, not indices
	elementKinds    = 7
	functionElement = 0 // the only type of element besides references
)

func (c *checker) readElement() {
	at := c.r.at
	kind := c.r.u32()
	if kind > elementKinds {
		c.r.failAt(at, "an element segment is of an unknown kind %d", kind)
		return
	}
	if kind&elementPassive == 0 {
		if kind&elementNamed != 0 {
			c.below(len(c.tables), "table")
		} else if len(c.tables) == 0 {
			c.r.failAt(at, "an element segment needs a table; there is none")
		}
		c.constant()
	}
	if kind&(elementPassive|elementNamed) != 0 {
		if kind&elementExpr != 0 {
			c.r.reference()
		} else if c.r.byte() != functionElement {
			c.r.fail("an element segment is of an unknown type")
		}
	}
	read := c.declare
	if kind&elementExpr != 0 {
		read = func() { c.constant() }
	}
	n := c.r.count("elements")
	c.countElements(n)
	for i := 0; i < n && c.r.err == nil; i++ {
		read()
	}
	c.elementSegments++
}

// The kinds of a data segment.
const (
	dataActive = iota
	dataPassive
	dataActiveIn // names its memory
)

func (c *checker) readData() {
	at := c.r.at
	kind := c.r.u32()
	switch kind {
	case dataActiveIn:
		c.below(c.memories, "memory")
	case dataActive:
		if c.memories == 0 {
			c.r.failAt(at, "a data segment needs a memory; there is none")
		}
	case dataPassive:
	default:
		c.r.failAt(at, "a data segment is of an unknown kind %d", kind)
	}
	if kind != dataPassive {
		switch c.constant() {
		case opI32Const:
		case opGlobalGet:
			c.note(at, "a global says where its data lies")
		default:
			c.r.failAt(at, "where a data segment lies is not an i32")
		}
	}
	size := c.r.u32()
	c.r.take(size)
	c.data = append(c.data, size)
}
