package wasm

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

// addedByWeaving is more than weaving and detaching add to any section: Parse
// reads those modules as well, and what a module at a bound became is not past it.
const addedByWeaving = 2_000

func (m *Module) section(r *reader, id byte, start int) {
	switch id {
	case sectionCustom:
		m.Customs = append(m.Customs, Custom{Name: r.name(), Payload: r.rest(), Start: start, End: r.end})
	case sectionType:
		r.few("types", PluginBounds.Types+addedByWeaving,
			func() { m.Types = append(m.Types, r.signature(PluginBounds.Parameters)) })
	case sectionImport:
		r.few("imports", PluginBounds.Imports+addedByWeaving, func() { m.readImport(r) })
	case sectionFunction:
		r.few("functions", PluginBounds.Entries+addedByWeaving, func() { m.functions = append(m.functions, r.u32()) })
	case sectionTable:
		r.few("tables", PluginBounds.Entries, func() {
			_, minimum := r.table(PluginBounds.Table)
			m.Elements += int(minimum)
		})
	case sectionMemory:
		r.few("memories", PluginBounds.Entries, func() { m.readMemory(r) })
	case sectionExport:
		r.few("exports", PluginBounds.Entries+addedByWeaving, func() {
			m.Exports = append(m.Exports, Export{Name: r.name(), Kind: Kind(r.byte()), Index: r.u32()})
		})
	case sectionCode:
		r.few("functions", PluginBounds.Entries+addedByWeaving, func() {
			r.within(r.u32(), "a function", func() {
				r.locals(PluginBounds.Locals)
				r.rest()
			})
		})
	case sectionGlobal:
		m.Globals = r.count("globals")
		r.rest()
	case sectionStart:
		m.Start = true
		r.rest()
	default:
		r.rest()
	}
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

func (m *Module) readMemory(r *reader) {
	minimum, maximum, bounded := r.limits("memory")
	if len(m.Memories) > 0 {
		r.fail("the module has more than one memory")
	}
	m.Memories = append(m.Memories, Memory{Min: minimum, Max: maximum, Bounded: bounded})
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
