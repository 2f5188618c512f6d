package wasm

import (
	"fmt"
	"slices"
	"strings"
)

// PageSize is the bytes of a page of linear memory.
const PageSize = 65536

// ValueType is a type of the binary format, as its byte.
type ValueType byte

// The value types.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// String returns the type's name in the text format.
func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return fmt.Sprintf("type(%#x)", byte(t))
}

func (t ValueType) valid() bool {
	return t >= V128 && t <= I32 || t == FuncRef || t == ExternRef
}

// Signature is the type of a function.
type Signature struct{ Params, Results []ValueType }

// String returns `(i32, i64) -> (i32)`.
func (s Signature) String() string {
	list := func(types []ValueType) string {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.String()
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	return list(s.Params) + " -> " + list(s.Results)
}

// Equal says whether two signatures are the same type.
func (s Signature) Equal(o Signature) bool {
	return slices.Equal(s.Params, o.Params) && slices.Equal(s.Results, o.Results)
}

// Kind is what an import or export is.
type Kind byte

// The kinds of imports and exports.
const (
	KindFunction Kind = 0
	KindTable    Kind = 1
	KindMemory   Kind = 2
	KindGlobal   Kind = 3
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case KindFunction:
		return "function"
	case KindTable:
		return "table"
	case KindMemory:
		return "memory"
	case KindGlobal:
		return "global"
	}
	return fmt.Sprintf("kind(%d)", byte(k))
}

// Import is one thing a module imports. Type belongs to functions.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         Signature
}

// Export is one thing a module exports. Type belongs to functions.
type Export struct {
	Name  string
	Kind  Kind
	Index uint32
	Type  Signature
}

// Memory is a linear memory in pages; Max is meaningful when Bounded.
type Memory struct {
	Min, Max uint32
	Bounded  bool
}

// Custom is a custom section. Start and End are where the whole section lies in
// the module.
type Custom struct {
	Name       string
	Payload    []byte
	Start, End int
}

// Module is what Parse found.
type Module struct {
	Types    []Signature
	Imports  []Import
	Memories []Memory // imported ones are not among them
	Exports  []Export
	Customs  []Custom
	Globals  int // imported ones are not among them
	Elements int // of all tables when they start
	Start    bool

	functions []uint32 // type of each function, the imported ones first
}

// Export returns the exported function of that name.
func (m *Module) Export(name string) (Export, bool) {
	i := slices.IndexFunc(m.Exports, func(e Export) bool { return e.Name == name && e.Kind == KindFunction })
	if i < 0 {
		return Export{}, false
	}
	return m.Exports[i], true
}

// Custom returns the payload of the first custom section of that name.
func (m *Module) Custom(name string) ([]byte, bool) {
	i := slices.IndexFunc(m.Customs, func(c Custom) bool { return c.Name == name })
	if i < 0 {
		return nil, false
	}
	return m.Customs[i].Payload, true
}

// Functions returns how many functions the module has of its own.
func (m *Module) Functions() int {
	imported := 0
	for _, i := range m.Imports {
		if i.Kind == KindFunction {
			imported++
		}
	}
	return len(m.functions) - imported
}
