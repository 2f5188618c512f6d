//go:build wasip1

// Command understudy plays another plugin in tests: it emits whatever event a
// request names, under the name and the manifest that a test attaches to the
// module. So it has no manifest of its own, and speaks carrel:host/v1 itself.
package main

import (
	"encoding/json"
	"unsafe"

	"github.com/carrel-dev/carrel/core/abi"
)

//go:wasmimport carrel:host/v1 write
func hostWrite(from unsafe.Pointer, size uint32)

//go:wasmimport carrel:host/v1 call
func hostCall(op uint32) uint64

//go:wasmimport carrel:host/v1 read
func hostRead(to unsafe.Pointer, size uint32) uint32

func main() {}

//lint:ignore U1000 the host calls it
//go:wasmexport carrel_abi
func carrelABI() int32 { return abi.Version }

// carrelCall emits the event in the request's body, an abi.EmitRequest, and
// answers its id.
//
//lint:ignore U1000 the host calls it
//go:wasmexport carrel_call
func carrelCall() int32 {
	input, _ := do(abi.OpInput, nil)
	var in abi.Invocation
	if err := json.Unmarshal(input, &in); err != nil {
		panic(err)
	}
	answer, status := do(abi.OpEventsEmit, in.Request.Body)
	member := `{"body":`
	if status != abi.StatusOK {
		member = `{"error":`
	}
	do(abi.OpOutput, []byte(member+string(answer)+"}"))
	return 0
}

// do has the host do an operation.
func do(op abi.Op, request []byte) (response []byte, status uint32) {
	if len(request) > 0 {
		hostWrite(unsafe.Pointer(unsafe.SliceData(request)), uint32(len(request)))
	}
	result := hostCall(uint32(op))
	response = make([]byte, uint32(result))
	for filled := 0; filled < len(response); {
		rest := response[filled:]
		filled += int(hostRead(unsafe.Pointer(unsafe.SliceData(rest)), uint32(len(rest))))
	}
	return response, uint32(result >> 32)
}
