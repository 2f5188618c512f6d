package sdk

import (
	"unsafe"

	"github.com/carrel-dev/carrel/core/abi"
)

//go:wasmimport carrel:host/v1 write
func importWrite(from unsafe.Pointer, size uint32)

//go:wasmimport carrel:host/v1 call
func importCall(op uint32) uint64

//go:wasmimport carrel:host/v1 read
func importRead(to unsafe.Pointer, size uint32) uint32

//go:wasmimport carrel:host/v1 keep
func hostKeep() uint32

//go:wasmimport carrel:host/v1 splice
func hostSplice(handle uint32)

//go:wasmimport carrel:host/v1 recall
func hostRecall(handle uint32) uint32

func hostWrite(b []byte) {
	if len(b) > 0 {
		importWrite(unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)))
	}
}

func hostCall(op abi.Op) uint64 { return importCall(uint32(op)) }

func hostRead(b []byte) uint32 {
	return importRead(unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)))
}
