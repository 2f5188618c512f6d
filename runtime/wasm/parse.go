package wasm

import "bytes"

var header = []byte{0, 'a', 's', 'm', 1, 0, 0, 0}

// The sections Parse looks into.
const (
	sectionCustom   = 0
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionTable    = 4
	sectionMemory   = 5
	sectionExport   = 7
	sectionCode     = 10
)

// Parse reads a module and refuses what passes a limit. It does not validate
// the rest: the compiler does.
func Parse(module []byte) (*Module, error) {
	r := &reader{bytes: module}
	if len(module) > MaxSize {
		return nil, r.fail("the module has %d bytes; the limit is %d", len(module), MaxSize)
	}
	if !bytes.HasPrefix(module, header) {
		return nil, r.fail("this is not a WebAssembly module (version 1)")
	}
	r.at = len(header)
	m := &Module{}
	for r.left() > 0 {
		start := r.at
		id, err := r.byte()
		if err != nil {
			return nil, err
		}
		size, err := r.u32()
		if err != nil {
			return nil, err
		}
		section, err := r.sub(size)
		if err != nil {
			return nil, err
		}
		if err := m.section(id, section, start, r.at); err != nil {
			return nil, err
		}
	}
	return m, m.resolve(r)
}

func (m *Module) section(id byte, r *reader, start, end int) error {
	switch id {
	case sectionCustom:
		name, err := r.name()
		if err != nil {
			return err
		}
		m.Customs = append(m.Customs, Custom{Name: name, Payload: r.bytes[r.at:], Start: start, End: end})
		return nil
	case sectionType:
		return each(r, "types", m.readType)
	case sectionImport:
		return each(r, "imports", m.readImport)
	case sectionFunction:
		return each(r, "functions", func(r *reader) error {
			index, err := r.u32()
			m.functions = append(m.functions, index)
			return err
		})
	case sectionTable:
		return each(r, "tables", readTable)
	case sectionMemory:
		return each(r, "memories", m.readMemory)
	case sectionExport:
		return each(r, "exports", m.readExport)
	case sectionCode:
		return each(r, "functions", readBody)
	}
	return nil
}

func each(r *reader, what string, read func(*reader) error) error {
	n, err := r.count(what)
	if err != nil {
		return err
	}
	for range n {
		if err := read(r); err != nil {
			return err
		}
	}
	return nil
}

func (m *Module) readType(r *reader) error {
	form, err := r.byte()
	if err != nil {
		return err
	}
	if form != 0x60 {
		return r.fail("a type is not a function type")
	}
	var s Signature
	if s.Params, err = r.valueTypes("parameters"); err != nil {
		return err
	}
	if s.Results, err = r.valueTypes("results"); err != nil {
		return err
	}
	m.Types = append(m.Types, s)
	return nil
}

func (m *Module) readImport(r *reader) error {
	var i Import
	var err error
	if i.Module, err = r.name(); err != nil {
		return err
	}
	if i.Name, err = r.name(); err != nil {
		return err
	}
	kind, err := r.byte()
	if err != nil {
		return err
	}
	i.Kind = Kind(kind)
	switch i.Kind {
	case KindFunction:
		index, err := r.u32()
		if err != nil {
			return err
		}
		if int64(index) >= int64(len(m.Types)) {
			return r.fail("import %q %q has type %d; there are %d", i.Module, i.Name, index, len(m.Types))
		}
		i.Type = m.Types[index]
		m.functions = append(m.functions, index)
	case KindTable:
		err = readTable(r)
	case KindMemory:
		_, _, _, err = r.limits("memory")
	case KindGlobal:
		_, err = r.take(2)
	default:
		err = r.fail("import %q %q is of an unknown kind %d", i.Module, i.Name, kind)
	}
	m.Imports = append(m.Imports, i)
	return err
}

func readTable(r *reader) error {
	if _, err := r.byte(); err != nil {
		return err
	}
	minimum, _, _, err := r.limits("table")
	if err != nil {
		return err
	}
	if minimum > MaxTable {
		return r.fail("a table starts with %d elements; the limit is %d", minimum, MaxTable)
	}
	return nil
}

func (m *Module) readMemory(r *reader) error {
	minimum, maximum, bounded, err := r.limits("memory")
	if err != nil {
		return err
	}
	if len(m.Memories) > 0 {
		return r.fail("the module has more than one memory")
	}
	m.Memories = append(m.Memories, Memory{Min: minimum, Max: maximum, Bounded: bounded})
	return nil
}

func (m *Module) readExport(r *reader) error {
	var e Export
	var err error
	if e.Name, err = r.name(); err != nil {
		return err
	}
	kind, err := r.byte()
	if err != nil {
		return err
	}
	e.Kind = Kind(kind)
	if e.Index, err = r.u32(); err != nil {
		return err
	}
	m.Exports = append(m.Exports, e)
	return nil
}

// readBody adds up what a function's local declarations announce: five bytes
// can declare four thousand million of them.
func readBody(r *reader) error {
	size, err := r.u32()
	if err != nil {
		return err
	}
	body, err := r.sub(size)
	if err != nil {
		return err
	}
	groups, err := body.count("groups of locals")
	if err != nil {
		return err
	}
	var locals uint64
	for range groups {
		n, err := body.u32()
		if err != nil {
			return err
		}
		if _, err := body.byte(); err != nil {
			return err
		}
		if locals += uint64(n); locals > MaxLocals {
			return body.fail("a function declares more than %d locals", MaxLocals)
		}
	}
	return nil
}

// resolve fills the exports' types in, now that every section is read.
func (m *Module) resolve(r *reader) error {
	for i := range m.Exports {
		e := &m.Exports[i]
		if e.Kind != KindFunction {
			continue
		}
		if int64(e.Index) >= int64(len(m.functions)) {
			return r.fail("export %q names function %d; there are %d", e.Name, e.Index, len(m.functions))
		}
		t := m.functions[e.Index]
		if int64(t) >= int64(len(m.Types)) {
			return r.fail("function %d has type %d; there are %d", e.Index, t, len(m.Types))
		}
		e.Type = m.Types[t]
	}
	return nil
}
