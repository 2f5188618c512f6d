package sdk

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

// hostCall hands the request over, has the operation done and copies the
// response back: two bulk copies, whatever the size.
func hostCall(op abi.Op, request []byte) (response []byte, status uint32) {
	if len(request) > 0 {
		hostWrite(unsafe.Pointer(unsafe.SliceData(request)), uint32(len(request)))
	}
	result := hostDo(uint32(op))
	response = make([]byte, uint32(result))
	for filled := uint32(0); filled < uint32(len(response)); {
		n := hostRead(unsafe.Pointer(unsafe.SliceData(response[filled:])), uint32(len(response))-filled)
		if n == 0 {
			panic("sdk: the host promised more bytes than it has")
		}
		filled += n
	}
	return response, uint32(result >> 32)
}
