package wasm

import "bytes"

var header = []byte{0, 'a', 's', 'm', 1, 0, 0, 0}

// The sections of a module.
const (
	sectionCustom    = 0
	sectionType      = 1
	sectionImport    = 2
	sectionFunction  = 3
	sectionTable     = 4
	sectionMemory    = 5
	sectionGlobal    = 6
	sectionExport    = 7
	sectionStart     = 8
	sectionElement   = 9
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12
)

// Parse reads a module's structure and refuses what passes one of PluginBounds
// there. It looks into no instruction and validates nothing else: Check does,
// and the compiler. The error is an *Error.
func Parse(module []byte) (*Module, error) {
	r := newReader(module)
	m := &Module{}
	r.sections(PluginBounds.Size, m.section)
	m.resolve(r)
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// sections checks the header and calls read for each section, which begins at
// start; the reader holds the section's contents.
func (r *reader) sections(most int, read func(r *reader, id byte, start int)) {
	if len(r.bytes) > most {
		r.fail("the module has %d bytes; the limit is %d", len(r.bytes), most)
		return
	}
	if !bytes.HasPrefix(r.bytes, header) {
		r.fail("this is not a WebAssembly module (version 1)")
		return
	}
	r.at = len(header)
	place, customs := 0, 0
	for r.left() > 0 {
		start := r.at
		id := r.byte()
		switch {
		case id == sectionCustom:
			if customs++; customs > maxCustoms {
				r.failAt(start, "the module has more than %d custom sections", maxCustoms)
				return
			}
		case int(id) >= len(sectionOrder):
			r.failAt(start, "there is no section %d", id)
			return
		case sectionOrder[id].place <= place:
			r.failAt(start, "the section of %s is out of order", sectionOrder[id].what)
			return
		default:
			place = sectionOrder[id].place
		}
		r.within(r.u32(), "a section", func() { read(r, id, start) })
	}
}

// maxCustoms is how many custom sections a module may have. Compilers write
// about a dozen.
const maxCustoms = 1000

// sectionOrder is the place of each section among the others.
var sectionOrder = [...]struct {
	place int
	what  string
}{
	sectionType:      {1, "types"},
	sectionImport:    {2, "imports"},
	sectionFunction:  {3, "functions"},
	sectionTable:     {4, "tables"},
	sectionMemory:    {5, "memories"},
	sectionGlobal:    {6, "globals"},
	sectionExport:    {7, "exports"},
	sectionStart:     {8, "start function"},
	sectionElement:   {9, "element segments"},
	sectionDataCount: {10, "count of data segments"},
	sectionCode:      {11, "function bodies"},
	sectionData:      {12, "data segments"},
}

func (m *Module) section(r *reader, id byte, start int) {
	switch id {
	case sectionCustom:
		m.Customs = append(m.Customs, Custom{Name: r.name(), Payload: r.rest(), Start: start, End: r.end})
	case sectionType:
		r.few("types", PluginBounds.Types, func() { m.Types = append(m.Types, r.signature(PluginBounds.Parameters)) })
	case sectionImport:
		r.few("imports", PluginBounds.Imports, func() { m.readImport(r) })
	case sectionFunction:
		r.few("functions", PluginBounds.Entries, func() { m.functions = append(m.functions, r.u32()) })
	case sectionTable:
		r.few("tables", PluginBounds.Entries, func() { r.table(PluginBounds.Table) })
	case sectionMemory:
		r.few("memories", PluginBounds.Entries, func() { m.readMemory(r) })
	case sectionExport:
		r.few("exports", PluginBounds.Entries, func() {
			m.Exports = append(m.Exports, Export{Name: r.name(), Kind: Kind(r.byte()), Index: r.u32()})
		})
	case sectionCode:
		r.few("functions", PluginBounds.Entries, func() {
			r.within(r.u32(), "a function", func() {
				r.locals(PluginBounds.Locals)
				r.rest()
			})
		})
	default:
		r.rest()
	}
}

// rest takes what is left of the part.
func (r *reader) rest() []byte { return r.take(uint32(r.left())) }

func (r *reader) signature(most int) Signature {
	if r.byte() != 0x60 {
		r.fail("a type is not a function type")
		return Signature{}
	}
	return Signature{Params: r.valueTypes("parameters", most), Results: r.valueTypes("results", most)}
}

func (m *Module) readImport(r *reader) {
	i := Import{Module: r.name(), Name: r.name(), Kind: Kind(r.byte())}
	switch i.Kind {
	case KindFunction:
		index := r.u32()
		if int64(index) >= int64(len(m.Types)) {
			r.fail("import %q %q has type %d; there are %d", i.Module, i.Name, index, len(m.Types))
			return
		}
		i.Type = m.Types[index]
		m.functions = append(m.functions, index)
	case KindTable:
		r.table(PluginBounds.Table)
	case KindMemory:
		r.limits("memory")
	case KindGlobal:
		r.global()
	default:
		r.fail("import %q %q is of an unknown kind %d", i.Module, i.Name, i.Kind)
	}
	m.Imports = append(m.Imports, i)
}

// table reads a table's type, and how many elements it starts with.
func (r *reader) table(most int) (t ValueType, minimum uint32) {
	t = r.reference()
	minimum, _, _ = r.limits("table")
	if int64(minimum) > int64(most) {
		r.fail("a table starts with %d elements; the limit is %d", minimum, most)
	}
	return t, minimum
}

func (r *reader) reference() ValueType {
	t := ValueType(r.byte())
	if t != FuncRef && t != ExternRef && r.err == nil {
		r.failAt(r.at-1, "%#x is not a type of a reference", byte(t))
	}
	return t
}

// global reads a global's type and whether it can change.
func (r *reader) global() (ValueType, bool) {
	t, mutable := r.valueType(), r.byte()
	if mutable > 1 {
		r.failAt(r.at-1, "a global is neither constant nor variable")
	}
	return t, mutable == 1
}

func (m *Module) readMemory(r *reader) {
	minimum, maximum, bounded := r.limits("memory")
	if len(m.Memories) > 0 {
		r.fail("the module has more than one memory")
	}
	m.Memories = append(m.Memories, Memory{Min: minimum, Max: maximum, Bounded: bounded})
}

// locals adds up what a function's local declarations announce: five bytes can
// declare four thousand million of them.
func (r *reader) locals(most int) (locals, wide int) {
	r.each("groups of locals", func() {
		n := r.u32()
		if r.valueType() == V128 {
			wide += int(n)
		}
		if locals += int(n); locals > most {
			r.fail("a function declares more than %d locals", most)
		}
	})
	return locals, wide
}

// resolve fills the exports' types in, now that every section is read.
func (m *Module) resolve(r *reader) {
	for i := range m.Exports {
		e := &m.Exports[i]
		if e.Kind != KindFunction {
			continue
		}
		if int64(e.Index) >= int64(len(m.functions)) {
			r.fail("export %q names function %d; there are %d", e.Name, e.Index, len(m.functions))
			return
		}
		t := m.functions[e.Index]
		if int64(t) >= int64(len(m.Types)) {
			r.fail("function %d has type %d; there are %d", e.Index, t, len(m.Types))
			return
		}
		e.Type = m.Types[t]
	}
}
