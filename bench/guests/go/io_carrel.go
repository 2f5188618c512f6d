//go:build wasip1 && carrel

package main

import "unsafe"

//go:wasmimport carrel:host/v1 write
func hostWrite(from unsafe.Pointer, size uint32)

//go:wasmimport carrel:host/v1 call
func hostCall(op uint32) uint64

//go:wasmimport carrel:host/v1 read
func hostRead(to unsafe.Pointer, size uint32) uint32

const opInput, opOutput = 0, 1

//go:wasmexport carrel_abi
func carrelABI() int32 { return 1 }

func input() []byte {
	b := make([]byte, uint32(hostCall(opInput)))
	if len(b) > 0 {
		hostRead(unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)))
	}
	return b
}

func output(b []byte) {
	if len(b) > 0 {
		hostWrite(unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)))
	}
	hostCall(opOutput)
}
