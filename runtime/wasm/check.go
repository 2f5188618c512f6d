package wasm

import (
	"fmt"
	"strings"
)

// Reserved is the prefix of the names that weaving adds to a module. A module
// that exports such a name, or imports from EngineModule, is refused.
const (
	Reserved     = "carrel:"
	EngineModule = "carrel:engine"
)

// Checked is a module that passed Check: what has to be known to weave it.
type Checked struct {
	module   []byte
	bounds   Bounds
	sections [sectionDataCount + 1]section // by their ids

	types           []Signature
	imported        [4]int   // by Kind
	functions       []uint32 // type of each, the imported ones first
	tables          []ValueType
	memories        int
	globals         int
	elementSegments int
	data            []uint32 // length of each segment in bytes

	bodies []body
	edits  []edit // in the order of the module
	bulk   []bulk
	plain  string // why there can be no exact image, "" if there can
}

// section is where a section's entries lie: behind their count.
type section struct{ start, end, count int }

// Check decodes every section and instruction of a module and refuses what
// passes a bound, what WebAssembly 2.0 (wazero's CoreFeaturesV2) does not know,
// and every index that is out of range: weaving adds types, functions and
// globals behind the module's own, which no index of the module may reach. The
// types of operands are left to the compiler; weaving makes no invalid module
// valid. The error is an *Error.
func Check(module []byte, b Bounds) (*Checked, error) {
	return check(module, b, false)
}

func check(module []byte, b Bounds, woven bool) (*Checked, error) {
	r := newReader(module)
	c := &checker{
		Checked:   &Checked{module: module, bounds: b},
		r:         r,
		woven:     woven,
		announced: -1,
		bulkIndex: map[bulk]uint32{},
	}
	r.sections(b.Size, c.section)
	c.complete()
	if r.err != nil {
		return nil, r.err
	}
	return c.Checked, nil
}

type checker struct {
	*Checked
	r            *reader
	woven        bool   // names that weaving adds are there
	announced    int    // data segments, by the data count section; -1 without one
	declared     []bool // functions that ref.func may refer to
	signatures   int    // parameters and results of all types
	elements     int    // of tables and segments together
	mutable      int    // globals that can change
	tableExports int
	bulkIndex    map[bulk]uint32
	walk         walk
}

func (c *checker) section(r *reader, id byte, start int) {
	if id == sectionCustom {
		r.name()
		r.rest()
		return
	}
	what := sectionOrder[id].what
	s := section{start: r.at, end: r.end}
	switch id {
	case sectionStart:
		c.start()
	case sectionDataCount:
		c.announced = int(r.u32())
		if c.announced > c.bounds.Segments {
			r.fail("the module announces %d data segments; the limit is %d", c.announced, c.bounds.Segments)
		}
	default:
		s.count = r.count(what)
		s.start = r.at
		c.entries(id, s.count, what)
	}
	c.sections[id] = s
}

func (c *checker) entries(id byte, count int, what string) {
	most := c.bounds.Entries
	switch id {
	case sectionType:
		most = c.bounds.Types
	case sectionImport:
		most = c.bounds.Imports
	case sectionElement:
		most = c.bounds.Segments
	}
	if count > most {
		c.r.fail("the module has %d %s; the limit is %d", count, what, most)
	}
	if defined := len(c.functions) - c.imported[KindFunction]; id == sectionCode && count != defined {
		c.r.fail("the module declares %d functions and has the bodies of %d", defined, count)
	}
	read := [...]func(){
		sectionType:     c.readType,
		sectionImport:   c.readImport,
		sectionFunction: c.readFunction,
		sectionTable:    c.readTable,
		sectionMemory:   c.readMemory,
		sectionGlobal:   c.readGlobal,
		sectionExport:   c.readExport,
		sectionElement:  c.readElement,
		sectionCode:     c.readBody,
		sectionData:     c.readData,
	}[id]
	for i := 0; i < count && c.r.err == nil; i++ {
		read()
	}
}

// complete checks what only the whole module shows.
func (c *checker) complete() {
	if defined := len(c.functions) - c.imported[KindFunction]; len(c.bodies) != defined {
		c.r.fail("the module declares %d functions and has the bodies of %d", defined, len(c.bodies))
	}
	if c.announced >= 0 && len(c.data) != c.announced {
		c.r.fail("the module announces %d data segments and has %d", c.announced, len(c.data))
	}
}

// note remembers the first reason why there can be no exact image.
func (c *checker) note(offset int, reason string) {
	if c.plain == "" {
		c.plain = fmt.Sprintf("%s (at byte %d of the original)", reason, offset)
	}
}

// below reads an index of what there are count of.
func (c *checker) below(count int, what string) uint32 {
	at := c.r.at
	index := c.r.u32()
	if int64(index) >= int64(count) {
		c.r.failAt(at, "%s %d is named; there are %d", what, index, count)
		return 0
	}
	return index
}

// function reads the index of a function. It moves when an import is added
// before it.
func (c *checker) function() uint32 {
	at := c.r.at
	index := c.below(len(c.functions), "function")
	if int(index) >= c.imported[KindFunction] {
		c.edits = append(c.edits, edit{at: uint32(at), end: uint32(c.r.at), argument: index, kind: editFunction})
	}
	return index
}

// declare reads the index of a function that ref.func may refer to because it
// is named here.
func (c *checker) declare() {
	if index := c.function(); c.r.err == nil {
		c.declared[index] = true
	}
}

func (c *checker) readImport() {
	at := c.r.at
	module, name := c.r.name(), c.r.name()
	if module == EngineModule && !c.woven {
		c.r.failAt(at, "the module imports from %s, which is the engine's own", EngineModule)
	}
	kind := Kind(c.r.byte())
	switch kind {
	case KindFunction:
		c.readFunction()
	case KindTable:
		c.readTable()
	case KindMemory:
		c.readMemory()
	case KindGlobal:
		c.r.global()
		c.globals++
	default:
		c.r.fail("import %q %q is of an unknown kind %d", module, name, kind)
		return
	}
	c.imported[kind]++
	if kind != KindFunction {
		c.note(at, "it imports a "+kind.String())
	}
}

func (c *checker) readType() {
	s := c.r.signature(c.bounds.Parameters)
	if c.signatures += len(s.Params) + len(s.Results); c.signatures > c.bounds.Signatures {
		c.r.fail("the module's types have more than %d parameters and results", c.bounds.Signatures)
	}
	c.types = append(c.types, s)
}

func (c *checker) readFunction() {
	c.functions = append(c.functions, c.below(len(c.types), "type"))
	c.declared = append(c.declared, false)
}

func (c *checker) readTable() {
	t, minimum := c.r.table(c.bounds.Table)
	c.tables = append(c.tables, t)
	c.countElements(int(minimum))
	if len(c.tables) > c.bounds.Tables {
		c.r.fail("the module has more than %d tables", c.bounds.Tables)
	}
}

// countElements bounds what every instance has of tables, and of segments:
// wazero makes those for each instance, too.
func (c *checker) countElements(n int) {
	if c.elements += n; c.elements > c.bounds.Elements {
		c.r.fail("the module has %d elements in its tables and segments; the limit is %d", c.elements, c.bounds.Elements)
	}
}

func (c *checker) readMemory() {
	c.r.limits("memory")
	if c.memories++; c.memories > 1 {
		c.r.fail("the module has more than one memory")
	}
}

func (c *checker) readGlobal() {
	at := c.r.at
	t, mutable := c.r.global()
	if mutable && (t == V128 || t == FuncRef || t == ExternRef) {
		c.note(at, "it has a mutable global of type "+t.String())
	}
	c.constant()
	c.globals++
	if mutable {
		c.mutable++
	}
	if c.mutable > c.bounds.Mutable || c.globals > c.bounds.Globals {
		c.r.fail("the module has %d globals, of which %d can change; the limits are %d and %d", c.globals, c.mutable, c.bounds.Globals, c.bounds.Mutable)
	}
}

func (c *checker) readExport() {
	at := c.r.at
	name, kind := c.r.name(), Kind(c.r.byte())
	if strings.HasPrefix(name, Reserved) && !c.woven {
		c.r.failAt(at, "the module exports %q; names that begin with %q are the engine's own", name, Reserved)
	}
	switch kind {
	case KindFunction:
		c.declare()
	case KindTable:
		c.below(len(c.tables), "table")
		if c.tableExports++; c.tableExports > c.bounds.Segments {
			c.r.fail("the module exports tables %d times; the limit is %d", c.tableExports, c.bounds.Segments)
		}
	case KindMemory:
		c.below(c.memories, "memory")
	case KindGlobal:
		c.below(c.globals, "global")
	default:
		c.r.fail("export %q is of an unknown kind %d", name, kind)
	}
}

func (c *checker) start() {
	at := c.r.at
	index := c.function()
	if c.r.err != nil {
		return
	}
	if s := c.types[c.functions[index]]; len(s.Params)+len(s.Results) > 0 {
		c.r.failAt(at, "the start function has the type %s", s)
	}
}
