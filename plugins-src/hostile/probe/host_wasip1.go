package main

import (
	"unsafe"

	"github.com/carrel-dev/carrel/core/abi"
)

//go:wasmimport carrel:host/v1 write
func hostWrite(from unsafe.Pointer, size uint32)

//go:wasmimport carrel:host/v1 call
func hostDo(op uint32) uint64

//go:wasmimport carrel:host/v1 read
func hostRead(to unsafe.Pointer, size uint32) uint32

// hostCall asks without the SDK, which only asks for what makes sense.
func hostCall(op abi.Op, request []byte) (response []byte, status uint32) {
	if len(request) > 0 {
		hostWrite(unsafe.Pointer(unsafe.SliceData(request)), uint32(len(request)))
	}
	result := hostDo(uint32(op))
	response = make([]byte, uint32(result))
	if len(response) > 0 {
		hostRead(unsafe.Pointer(unsafe.SliceData(response)), uint32(len(response)))
	}
	return response, uint32(result >> 32)
}
