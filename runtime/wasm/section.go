package wasm

import "bytes"

// header begins every module: the format's name and version.
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
