package wasm

import (
	"fmt"
	"slices"
	"strconv"
)

// What a detached module exports besides what weaving added: its start
// function, and each mutable global of its own by its index.
const (
	StartName    = Reserved + "start"
	globalPrefix = Reserved + "global."
)

// Segment is bytes that belong into the memory before anything runs. Offset is
// in bytes; that they fit is the caller's to check.
type Segment struct {
	Offset uint32
	Bytes  []byte // of the module that was detached, not a copy
}

// Global is a mutable global and the name it is exported by.
type Global struct {
	Name string
	Type ValueType // a number: I32, I64, F32 or F64
}

// Detached is a module whose instances can begin from an image: its own state
// is its memory and its mutable globals, and nothing happens when it is
// instantiated.
type Detached struct {
	Module  []byte
	Data    []Segment // in the order they are written
	Start   bool      // StartName has to be called once, behind the data
	Globals []Global  // FuelName and StackName are not among them
	// Plain says why there can be no exact image, like `it writes to its table (at
	// byte 12 of the original)`; Module is then as it was, and nothing taken out.
	// "" if there can.
	Plain string
}

// Detach takes the active data and the start function out of a woven module and
// exports its mutable globals. Data segments that an instruction may name keep
// their indices: an active one leaves an empty passive one behind, which is what
// remains of it once it is written. An error means that Weave did not make the
// module.
func Detach(woven []byte) (Detached, error) {
	d := &detacher{Detached: Detached{Module: woven}, r: newReader(woven)}
	d.r.sections(Unbounded.Size, d.read)
	if d.r.err != nil {
		return Detached{}, d.r.err
	}
	if len(d.woven) != 2 {
		return Detached{}, fmt.Errorf("the module is not woven: it exports no %s", FuelName)
	}
	if d.Plain != "" {
		return Detached{Module: woven, Plain: d.Plain}, nil
	}
	d.write()
	return d.Detached, nil
}

type detacher struct {
	Detached
	r        *reader
	sections []detachedSection
	globals  []ValueType // of the mutable ones by index, 0 of others
	woven    []uint32    // indices of the globals that weaving added
	start    uint32
	passive  []byte // the data segments as they will be
}

// detachedSection is where a section and, if they are read, its entries lie.
type detachedSection struct {
	id                  byte
	start, entries, end int
	count               int
}

func (d *detacher) read(r *reader, id byte, start int) {
	s := detachedSection{id: id, start: start, end: r.end}
	switch id {
	case sectionGlobal:
		r.each("globals", d.readGlobal)
	case sectionExport:
		s.count = r.count("exports")
		s.entries = r.at
		for i := 0; i < s.count && r.err == nil; i++ {
			d.readExport()
		}
	case sectionStart:
		d.Start, d.start = true, r.u32()
	case sectionData:
		s.count = r.count("data segments")
		for i := 0; i < s.count && r.err == nil; i++ {
			d.readData()
		}
	case sectionCustom:
		if r.name() == plainSection {
			d.Plain = string(r.rest())
		}
		r.rest()
	default:
		r.rest()
	}
	d.sections = append(d.sections, s)
}

func (d *detacher) readGlobal() {
	t, mutable := d.r.global()
	d.r.expression()
	if !mutable {
		t = 0
	}
	d.globals = append(d.globals, t)
}

func (d *detacher) readExport() {
	name, _, index := d.r.name(), d.r.byte(), d.r.u32()
	if name == FuelName || name == StackName {
		d.woven = append(d.woven, index)
	}
}

func (d *detacher) readData() {
	at := d.r.at
	kind := d.r.u32()
	if kind == dataPassive {
		d.r.take(d.r.u32())
		d.passive = append(d.passive, d.r.bytes[at:d.r.at]...)
		return
	}
	if kind == dataActiveIn {
		d.r.u32()
	}
	offset := d.r.expression()
	d.Data = append(d.Data, Segment{Offset: uint32(offset), Bytes: d.r.take(d.r.u32())})
	d.passive = append(d.passive, dataPassive, 0)
}

// write puts the detached module together.
func (d *detacher) write() {
	woven := d.Module
	out := append(make(code, 0, len(woven)+1024), header...)
	for _, s := range d.sections {
		switch s.id {
		case sectionStart:
		case sectionExport:
			out.raw(sectionExport)
			out.sized(func() { d.writeExports(&out, woven, s) })
		case sectionData:
			// Without a count of segments no instruction can name one, and an
			// instance takes memory for each: Go's linker writes some 38,000.
			if !slices.ContainsFunc(d.sections, func(s detachedSection) bool { return s.id == sectionDataCount }) {
				continue
			}
			out.raw(sectionData)
			out.sized(func() {
				out = appendU32(out, uint32(s.count))
				out.raw(d.passive...)
			})
		default:
			out.raw(woven[s.start:s.end]...)
		}
	}
	d.Module = out
}

func (d *detacher) writeExports(out *code, woven []byte, s detachedSection) {
	var added code
	if d.Start {
		s.count++
		added = appendName(added, StartName)
		added.op(byte(KindFunction), d.start)
	}
	for i, t := range d.globals {
		if t == 0 || slices.Contains(d.woven, uint32(i)) {
			continue
		}
		g := Global{Name: globalPrefix + strconv.Itoa(i), Type: t}
		d.Globals = append(d.Globals, g)
		s.count++
		added = appendName(added, g.Name)
		added.op(byte(KindGlobal), uint32(i))
	}
	*out = appendU32(*out, uint32(s.count))
	out.raw(woven[s.entries:s.end]...)
	out.raw(added...)
}
