//go:build wasip1

// Command handlers is the plugin `hostile`: each of its routes writes a
// document, emits an event and records usage, as any plugin may, and then ends
// its call in a way no plugin should. Not one of those effects may be left
// afterwards. It speaks carrel:host/v1 itself, so that no SDK is in between.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"unsafe"

	"github.com/carrel-dev/carrel/core/abi"
)

//go:wasmimport carrel:host/v1 write
func hostWrite(from unsafe.Pointer, size uint32)

//go:wasmimport carrel:host/v1 write
func rawWrite(from, size uint32)

//go:wasmimport carrel:host/v1 call
func hostCall(op uint32) uint64

//go:wasmimport carrel:host/v1 read
func hostRead(to unsafe.Pointer, size uint32) uint32

func main() {}

//lint:ignore U1000 the host calls it
//go:wasmexport carrel_abi
func carrelABI() int32 { return abi.Version }

//lint:ignore U1000 the host calls it
//go:wasmexport carrel_manifest
func carrelManifest() int32 {
	must(do(abi.OpOutput, encode(manifest)))
	return 0
}

//lint:ignore U1000 the host calls it
//go:wasmexport carrel_call
func carrelCall() int32 {
	var in abi.Invocation
	if err := json.Unmarshal(must(do(abi.OpInput, nil)), &in); err != nil {
		panic(err)
	}
	handler, ok := handlers[in.Handler]
	if !ok {
		panic("hostile: there is no handler " + in.Handler)
	}
	must(do(abi.OpOutput, handler(in)))
	return 0
}

// do has the host do an operation.
func do(op abi.Op, request []byte) ([]byte, *abi.Error) {
	hostWrite(unsafe.Pointer(unsafe.SliceData(request)), uint32(len(request)))
	result := hostCall(uint32(op))
	response := make([]byte, uint32(result))
	hostRead(unsafe.Pointer(unsafe.SliceData(response)), uint32(len(response)))
	if result>>32 == abi.StatusOK {
		return response, nil
	}
	failure := &abi.Error{}
	if err := json.Unmarshal(response, failure); err != nil {
		panic(err)
	}
	return nil, failure
}

func must(response []byte, err *abi.Error) []byte {
	if err != nil {
		panic(err)
	}
	return response
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// handler answers an invocation with the bytes of an abi.Response, or what it
// pretends is one.
type handler func(abi.Invocation) []byte

func respond(body json.RawMessage, err *abi.Error) []byte {
	if err != nil {
		return encode(abi.Response{Error: err})
	}
	return encode(abi.Response{Body: body})
}

// handlers by name, which is the route.
var handlers = map[string]handler{
	"GET /victims": func(abi.Invocation) []byte {
		return respond(do(abi.OpDataQuery, encode(abi.QueryRequest{Table: "victims", Limit: 100})))
	},
	"POST /ok":      func(in abi.Invocation) []byte { return respond(strike(in)) },
	"POST /trap":    attack(func() []byte { panic("hostile: trap") }),
	"POST /exit":    attack(func() []byte { os.Exit(0); return nil }),
	"POST /rubbish": attack(func() []byte { return []byte("<html>this is no response</html>") }),
	"POST /silence": attack(func() []byte { return nil }),
	"POST /loop": attack(func() []byte {
		//lint:ignore SA5002 that is the attack
		for {
		}
	}),
	"POST /hog": attack(func() []byte {
		debug.SetGCPercent(-1)
		for {
			hoard = append(hoard, make([]byte, 16<<20))
		}
	}),
	"POST /flood": attack(func() []byte {
		for {
			_, _ = do(abi.OpDataInsert, encode(abi.InsertRequest{Table: "victims", Body: json.RawMessage(`{"name":"flood"}`)}))
		}
	}),
	"POST /deep": attack(func() []byte { return deeper(nil) }),
	"POST /clear": attack(func() []byte {
		b := make([]byte, 16<<20)
		for {
			clear(b) // one instruction
		}
	}),
	"POST /forged": attack(func() []byte { rawWrite(0xfffffff0, 0x20); return nil }),
}

// deeper calls itself until it is stopped.
//
//lint:ignore SA5007 that is the attack
func deeper(b []byte) []byte { return append(deeper(b), 0) }

// hoard keeps what /hog allocates.
var hoard [][]byte

// attack makes a handler that has its effects first. Without them the attack
// would prove nothing, so it is not made.
func attack(finish func() []byte) handler {
	return func(in abi.Invocation) []byte {
		if _, err := strike(in); err != nil {
			return respond(nil, err)
		}
		return finish()
	}
}

// strike writes, emits and records, and returns the document.
func strike(in abi.Invocation) (json.RawMessage, *abi.Error) {
	document, err := do(abi.OpDataInsert, encode(abi.InsertRequest{Table: "victims", Body: fmt.Appendf(nil, `{"name":%q}`, in.Handler)}))
	if err != nil {
		return nil, err
	}
	if _, err := do(abi.OpEventsEmit, encode(abi.EmitRequest{Type: "hostile.struck", Version: 1, Data: fmt.Appendf(nil, `{"by":%q}`, in.Handler)})); err != nil {
		return nil, err
	}
	if _, err := do(abi.OpBillingRecord, encode(abi.RecordRequest{Meter: "effects", Quantity: 1})); err != nil {
		return nil, err
	}
	return document, nil
}
