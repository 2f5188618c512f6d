package main

import (
	"encoding/binary"
	"fmt"
)

// kernel is the least a host of Extism modules keeps for one call: the input,
// the output, and the blocks the guest allocates, each behind its length.
type kernel struct {
	input, output []byte
	blocks        []byte
}

// begin makes the kernel ready for a call; what it held is forgotten.
func (k *kernel) begin(input []byte) {
	k.input, k.output, k.blocks = input, nil, k.blocks[:0]
}

func (k *kernel) alloc(size uint64) uint64 {
	at := (len(k.blocks) + 15) &^ 7 // room for the length, at a multiple of 8
	if end := at + int(size); end > cap(k.blocks) {
		grown := make([]byte, end, 2*end)
		copy(grown, k.blocks)
		k.blocks = grown
	} else {
		k.blocks = k.blocks[:end]
	}
	binary.LittleEndian.PutUint64(k.blocks[at-8:], size)
	return uint64(at)
}

// kernelFunction is one host function. It takes its parameters from the stack and
// leaves its result there.
type kernelFunction struct {
	name      string
	signature string // i is i32, I is i64, the result after the colon
	call      func(k *kernel, s []uint64)
}

// kernelFunctions are those of extism:host/env that the guests here import.
var kernelFunctions = []kernelFunction{
	{"alloc", "I:I", func(k *kernel, s []uint64) { s[0] = k.alloc(s[0]) }},
	{"store_u8", "Ii:", func(k *kernel, s []uint64) { k.blocks[s[0]] = byte(s[1]) }},
	{"store_u64", "II:", func(k *kernel, s []uint64) { binary.LittleEndian.PutUint64(k.blocks[s[0]:], s[1]) }},
	{"input_length", ":I", func(k *kernel, s []uint64) { s[0] = uint64(len(k.input)) }},
	{"input_load_u8", "I:i", func(k *kernel, s []uint64) { s[0] = uint64(k.input[s[0]]) }},
	{"input_load_u64", "I:I", func(k *kernel, s []uint64) { s[0] = binary.LittleEndian.Uint64(k.input[s[0]:]) }},
	{"output_set", "II:", func(k *kernel, s []uint64) {
		k.output = append(k.output[:0], k.blocks[s[0]:][:s[1]]...)
	}},
}

// errFailed is a guest's own word that it could not answer.
func errFailed(function string, code any) error {
	return fmt.Errorf("the guest's %s returned %v", function, code)
}
