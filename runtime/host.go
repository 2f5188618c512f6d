package runtime

import (
	"encoding/json"
	"errors"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// hostModulePrefix begins the name of every version of Carrel's own ABI.
const (
	hostModulePrefix = "carrel:host/v"
	hostModule       = "carrel:host/v1"
)

// maxRequest bounds what write may collect before call takes it, in bytes. An
// answer may be as large as its own limit.
const maxRequest = 16 << 20

// hostDoor is Carrel's own ABI: three functions, whatever the operation.
var hostDoor = door{module: hostModule, functions: map[string]function{
	"write": fn("ii", hostWrite),
	"call":  fn("i:I", hostCall),
	"read":  fn("ii:i", hostRead),
}}

// hostWrite appends guest bytes to the request.
func hostWrite(g guest, stack []uint64) {
	b := g.view("write", uint32(stack[0]), uint32(stack[1]))
	if limit := max(maxRequest, g.limits.Output); int64(len(g.request)+len(b)) > limit {
		trap(core.TooLarge, "The plugin's request to the host passed %s.", bytesText(limit))
	}
	g.request = append(g.request, b...)
}

// hostCall performs an operation with the request and answers its status and
// the length of its response.
func hostCall(g guest, stack []uint64) {
	response, status := g.perform(abi.Op(uint32(stack[0])), g.request)
	g.request = nil // Host.Call may keep it
	g.response = response
	stack[0] = uint64(status)<<32 | uint64(len(response))
}

// hostRead copies the next bytes of the response into the guest.
func hostRead(g guest, stack []uint64) {
	n := copy(g.view("read", uint32(stack[0]), uint32(stack[1])), g.response)
	g.response = g.response[n:]
	stack[0] = uint64(n)
}

func (g guest) perform(op abi.Op, request []byte) (response []byte, status uint32) {
	switch op {
	case abi.OpInput:
		return g.call.Input, abi.StatusOK
	case abi.OpOutput:
		g.answer(request)
		return nil, abi.StatusOK
	}
	response, err := g.ask(op, request)
	if err != nil {
		return errorJSON(err), abi.StatusError
	}
	return response, abi.StatusOK
}

// ask passes an operation to the platform. What comes back after the deadline
// is not told to the guest any more.
func (g guest) ask(op abi.Op, request []byte) ([]byte, error) {
	if g.call.Host == nil {
		return nil, core.E("runtime.Call", core.Denied, "Operation %d is not available in this call.", op)
	}
	response, err := g.call.Host.Call(g.ctx, op, request)
	g.alive(g.ctx)
	return response, err
}

// errorJSON is err as the guest sees it: kind and safe message, never the cause.
func errorJSON(err error) []byte {
	e, ok := errors.AsType[*abi.Error](err)
	if !ok {
		e = &abi.Error{Kind: string(core.KindOf(err)), Message: core.MessageOf(err), Violations: core.ViolationsOf(err)}
	}
	b, _ := json.Marshal(e) // strings only: cannot fail
	return b
}
