package wasm

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// everything has a body for each way in which weaving changes code.
var everything = map[string]string{
	"leaf":            "",
	"leap and call":   "\x02\x40\x0c\x01\x0b\x10\x01",
	"call":            "\x10\x01",
	"import":          "\x10\x00",
	"indirect":        "\x41\x00\x11\x00\x00",
	"return":          "\x02\x40\x0f\x0b\x10\x01",
	"loop":            "\x03\x40\x0b",
	"loop and call":   "\x03\x40\x10\x01\x0b",
	"loop behind":     "\x02\x40\x0b\x03\x40\x0b",
	"loop that takes": "\x41\x00\x03\x01\x1a\x0b",
	"fill":            "\x41\x00\x41\x00\x41\x00\xfc\x0b\x00",
	"copy":            "\x41\x00\x41\x00\x41\x00\xfc\x0a\x00\x00",
	"init":            "\x41\x00\x41\x00\x41\x00\xfc\x08\x01\x00",
	"grow":            "\x41\x01\x40\x00\x1a",
	"drop data":       "\xfc\x09\x01",
	"drop elements":   "\xfc\x0d\x00",
	"table.set":       "\x41\x00\xd0\x70\x26\x00",
	"table.grow":      "\xd0\x70\x41\x01\xfc\x0f\x00\x1a",
	"table.fill":      "\x41\x00\xd0\x70\x41\x00\xfc\x11\x00",
	"table.copy":      "\x41\x00\x41\x00\x41\x00\xfc\x0e\x00\x00",
	"table.init":      "\x41\x00\x41\x00\x41\x00\xfc\x0c\x00\x00",
	"reference":       "\xd2\x01\x1a",
	"long":            strings.Repeat("\x41\x00\x28\x02\x00\x1a", 2000),
	"dead":            "\x00\x0c\x00\x1a",
	"vectors":         "\xfd\x0c" + strings.Repeat("\x00", 16) + "\xfd\x80\x01\x1a",
}

// withBody is a module with an import, a table, a memory, a global, elements, a
// start function and data, whose function 1 has that body.
func withBody(body string) []byte {
	return module(types,
		entries(sectionImport, "\x01m\x01f\x00\x00"),
		entries(sectionFunction, "\x00", "\x03"),
		table1, memory1,
		entries(sectionGlobal, "\x7f\x01\x41\x05\x0b", "\x7e\x00\x42\x05\x0b"),
		entries(sectionExport, "\x01f\x00\x01", "\x06memory\x02\x00"),
		func(a *assembly) { a.raw(sectionStart, 1, 1) },
		entries(sectionElement, "\x00\x41\x00\x0b\x01\x01", "\x05\x70\x02\xd2\x02\x0b\xd0\x70\x0b"),
		func(a *assembly) { a.raw(sectionDataCount, 1, 2) },
		bodies(body, "\x10\x01\x41\x00\x42\x00"),
		entries(sectionData, "\x00\x41\x08\x0b\x03abc", "\x01\x02de"),
	)
}

func weave(t *testing.T, in []byte) (*Checked, []byte) {
	t.Helper()
	c, err := Check(in, PluginBounds)
	if err != nil {
		t.Fatal(err)
	}
	return c, c.Weave(Weaving{Stack: 1 << 20})
}

func TestWeaveKeepsAModuleWhole(t *testing.T) {
	for name, body := range everything {
		t.Run(name, func(t *testing.T) {
			c, woven := weave(t, withBody(body))
			again, err := check(woven, Unbounded, true)
			if err != nil {
				t.Fatal(err)
			}
			if len(again.functions) != len(c.functions)+1+len(c.bulk) || again.globals != c.globals+2 {
				t.Errorf("%d functions and %d globals", len(again.functions), again.globals)
			}
			m, err := Parse(woven)
			if err != nil {
				t.Fatal(err)
			}
			last := m.Imports[len(m.Imports)-1]
			if last.Module != EngineModule || last.Name != YieldName || last.Type.String() != "(i64, i32) -> (i64)" {
				t.Errorf("the last import is %+v", last)
			}
			if f, ok := m.Export("f"); !ok || f.Index != 2 {
				t.Errorf("f is function %d", f.Index)
			}
			for _, want := range []string{FuelName, StackName} {
				if !slices.ContainsFunc(m.Exports, func(e Export) bool { return e.Name == want && e.Kind == KindGlobal }) {
					t.Errorf("no export %s", want)
				}
			}
			if len(m.Customs) > 1 || len(m.Customs) == 1 && m.Customs[0].Name != plainSection {
				t.Errorf("custom sections %+v", m.Customs)
			}
		})
	}
}

// Every loop and every function has a check. A loop that a function begins with
// has one for both, and calls nested in it one for the stack more; so has code
// that is too heavy for one.
func TestWeaveChecks(t *testing.T) {
	yield := []byte{opCall, 1}                     // behind one import
	second := bytes.Count(bodyOf(t, "", 1), yield) // the other function of the module
	if second != 1 {
		t.Fatalf("a function that calls has %d checks", second)
	}
	for name, want := range map[string]int{
		"leaf": 1, "call": 1, "loop": 1, "loop and call": 2, "loop behind": 2, "loop that takes": 2, "long": 3,
	} {
		if got := bytes.Count(bodyOf(t, everything[name], 0), yield); got != want {
			t.Errorf("%s: %d checks, want %d", name, got, want)
		}
	}
}

// Straight code costs what it weighs, whatever the checks in it.
func TestWeaveChargesStraightCode(t *testing.T) {
	c, _ := weave(t, withBody(everything["long"]))
	const weight = 2000 * (memoryWeight + 2)
	paid := c.straightCost()
	if want := uint32(weight / unitWeight); paid < want || paid > want+want/20 {
		t.Errorf("%d units, want %d", paid, want)
	}
}

// straightCost is what the first function costs, which has no branches.
func (c *Checked) straightCost() uint32 {
	paid := c.bodies[0].cost
	for _, e := range c.edits {
		if e.kind == editCharge || e.kind == editCheck {
			paid += e.argument
		}
	}
	return paid
}

// What takes the processor long weighs more.
func TestSlowArithmeticWeighsMore(t *testing.T) {
	for name, instruction := range map[string]string{
		"i32.div_s": "\x41\x07\x41\x02\x6d\x1a", "i64.rem_u": "\x42\x07\x42\x02\x82\x1a",
		"f32.mul": "\x43\x00\x00\x00\x00\x43\x00\x00\x00\x00\x94\x1a", "f64.sqrt": "\x44\x00\x00\x00\x00\x00\x00\x00\x00\x9f\x1a", "f32x4.div": "\x41\x00\xfd\x11\x41\x00\xfd\x11\xfd\xe7\x01\x1a",
	} {
		const n = 100
		c, _ := weave(t, withBody(strings.Repeat(instruction, n)))
		if paid := c.straightCost(); paid < n*slowWeight/unitWeight {
			t.Errorf("%d times %s cost %d units", n, name, paid)
		}
	}
}

// A function that calls gives its frame back wherever it is left.
func TestWeaveGivesFramesBack(t *testing.T) {
	for name, body := range everything {
		woven := bodyOf(t, body, 0)
		calls := strings.Contains(name, "call") || name == "import" || name == "indirect" || name == "return"
		back := []byte{opI32Add, opGlobalSet, 3} // behind two globals and the fuel
		if calls && bytes.Count(woven, append(back, opReturn)) != bytes.Count(woven, []byte{opReturn}) {
			t.Errorf("%s: a return keeps the frame", name)
		}
		if end := bytes.HasSuffix(woven, append(back, opEnd)); end != calls {
			t.Errorf("%s: the end gives the frame back: %v", name, end)
		}
	}
}

func TestUnmeteredHasNoChecks(t *testing.T) {
	c, err := Check(withBody(everything["loop and call"]), PluginBounds)
	if err != nil {
		t.Fatal(err)
	}
	woven := c.Weave(Weaving{Unmetered: true})
	again, err := check(woven, Unbounded, true)
	if err != nil {
		t.Fatal(err)
	}
	if b := again.bodies[0]; bytes.Contains(woven[b.start:b.end], []byte{opCall, 1}) {
		t.Error("a check is left")
	}
}

// bodyOf returns a woven function of withBody.
func bodyOf(t *testing.T, body string, function int) []byte {
	t.Helper()
	_, woven := weave(t, withBody(body))
	again, err := check(woven, Unbounded, true)
	if err != nil {
		t.Fatal(err)
	}
	b := again.bodies[function]
	return woven[b.start:b.end]
}

func TestDetach(t *testing.T) {
	_, woven := weave(t, withBody(""))
	d, err := Detach(woven)
	if err != nil {
		t.Fatal(err)
	}
	if d.Plain != "" || !d.Start || len(d.Data) != 1 || d.Data[0].Offset != 8 || string(d.Data[0].Bytes) != "abc" {
		t.Errorf("%+v", d)
	}
	if want := []Global{{Name: "carrel:global.0", Type: I32}}; !slices.Equal(d.Globals, want) {
		t.Errorf("globals %+v, want %+v", d.Globals, want)
	}
	again, err := check(d.Module, Unbounded, true)
	if err != nil {
		t.Fatal(err)
	}
	if again.sections[sectionStart].end != 0 {
		t.Error("the start function is left")
	}
	if want := []uint32{0, 2}; !slices.Equal(again.data, want) {
		t.Errorf("data segments of %d bytes, want %d", again.data, want)
	}
	m, err := Parse(d.Module)
	if err != nil {
		t.Fatal(err)
	}
	if start, ok := m.Export(StartName); !ok || start.Index != 2 {
		t.Errorf("%s is function %d", StartName, start.Index)
	}
}

func TestDetachSaysWhyNot(t *testing.T) {
	for name, says := range map[string]string{
		"table.set": "writes to its table", "table.grow": "writes to its table", "table.fill": "writes to its table",
		"table.copy": "writes to its table", "table.init": "writes to its table", "drop data": "drops data", "drop elements": "drops elements",
	} {
		_, woven := weave(t, withBody(everything[name]))
		d, err := Detach(woven)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(d.Plain, says) || !strings.Contains(d.Plain, "(at byte ") || !bytes.Equal(d.Module, woven) {
			t.Errorf("%s: %q", name, d.Plain)
		}
	}
	for says, in := range map[string][]byte{
		"imports a memory":               module(entries(sectionImport, "\x01m\x01m\x02\x00\x01")),
		"imports a table":                module(entries(sectionImport, "\x01m\x01t\x01\x70\x00\x01")),
		"imports a global":               module(entries(sectionImport, "\x01m\x01g\x03\x7f\x00")),
		"mutable global of type funcref": module(entries(sectionGlobal, "\x70\x01\xd0\x70\x0b")),
	} {
		_, woven := weave(t, in)
		if d, err := Detach(woven); err != nil || !strings.Contains(d.Plain, says) {
			t.Errorf("%s: %q %v", says, d.Plain, err)
		}
	}
	if _, err := Detach(small); err == nil {
		t.Error("a module that is not woven was detached")
	}
}
