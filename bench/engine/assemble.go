package main

import "slices"

// function is one of an assembled module: for what no compiler would emit. It
// takes params times an i32, returns an i32, and has locals more of them.
type function struct {
	name           string // its export; "" for none
	params, locals int
	code           []byte // without the final end
}

// assemble makes a module of functions, with a memory of so many pages.
func assemble(pages int, functions ...function) []byte {
	var types, indices, exports, bodies [][]byte
	for i, f := range functions {
		types = append(types, slices.Concat([]byte{0x60}, u32(f.params), slices.Repeat([]byte{0x7f}, f.params), []byte{1, 0x7f}))
		indices = append(indices, u32(i))
		if f.name != "" {
			exports = append(exports, slices.Concat(u32(len(f.name)), []byte(f.name), []byte{0}, u32(i)))
		}
		body := slices.Concat([]byte{1}, u32(f.locals), []byte{0x7f}, f.code, []byte{0x0b})
		bodies = append(bodies, slices.Concat(u32(len(body)), body))
	}
	m := parts{sections: []section{
		{1, vector(types)},
		{3, vector(indices)},
		{sectionMemory, vector([][]byte{append([]byte{0}, u32(pages)...)})},
		{sectionExport, vector(exports)},
		{10, vector(bodies)},
	}}
	return m.join(func(s section) []byte { return s.body })
}

func vector(items [][]byte) []byte {
	return append(u32(len(items)), slices.Concat(items...)...)
}

func constant(v int32) []byte { return signed([]byte{0x41}, int64(v)) }

func get(local int) []byte { return append([]byte{0x20}, u32(local)...) }

// spinning is a function that counts to n and does nothing else: where fuel
// costs the most, as a loop cannot be shorter.
func spinning(n int32) function {
	return function{name: "spin", locals: 1, code: slices.Concat(
		[]byte{0x03, 0x40},                                      // loop
		get(0), constant(1), []byte{0x6a, 0x22, 0}, constant(n), // i = i + 1; i
		[]byte{0x49, 0x0d, 0, 0x0b}, //  < n: again
		constant(0),
	)}
}
