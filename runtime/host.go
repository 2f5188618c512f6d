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

const (
	// maxRequest bounds what write and splice may collect before call takes it,
	// in bytes. An answer may be as large as its own limit.
	maxRequest = 16 << 20
	// maxKept bounds how many responses a call may keep. Their bytes count to
	// its memory.
	maxKept = 1024
)

// hostDoor is Carrel's own ABI: three functions, whatever the operation, and
// three more for bytes that the guest passes on without looking at them.
var hostDoor = door{module: hostModule, functions: map[string]function{
	"write":  quick(fn("ii", hostWrite)),
	"call":   fn("i:I", hostCall),
	"read":   quick(fn("ii:i", hostRead)),
	"keep":   fn(":i", hostKeep),
	"splice": fn("i", hostSplice),
	"recall": fn("i:i", hostRecall),
}}

// exchange is what the door holds for a guest from one host call to the next.
type exchange struct {
	request  []byte // what write and splice appended
	response []byte // what the last call answered
	unread   []byte // the end of it that read has not read yet
	kept     [][]byte
}

// respond makes b the response.
func (x *exchange) respond(b []byte) { x.response, x.unread = b, b }

// hostWrite appends guest bytes to the request.
func hostWrite(g guest, stack []uint64) {
	g.send(g.view("write", uint32(stack[0]), uint32(stack[1])))
}

// hostCall performs an operation with the request and answers its status and
// the length of its response.
func hostCall(g guest, stack []uint64) {
	response, status := g.perform(abi.Op(uint32(stack[0])), g.request)
	g.request = nil // Host.Call may keep it
	g.respond(response)
	stack[0] = uint64(status)<<32 | uint64(len(response))
}

// hostRead copies the next bytes of the response into the guest.
func hostRead(g guest, stack []uint64) {
	n := copy(g.view("read", uint32(stack[0]), uint32(stack[1])), g.unread)
	g.unread = g.unread[n:]
	stack[0] = uint64(n)
}

// hostKeep puts the response, read or not, where the next call doesn't replace
// it, and answers its handle. 0: the call keeps as many as it may, and the
// response stays where it is.
func hostKeep(g guest, stack []uint64) {
	if len(g.kept) == maxKept {
		stack[0] = 0
		return
	}
	if !g.memory.take(int64(len(g.response))) {
		g.outOfMemory()
	}
	g.kept = append(g.kept, g.response)
	g.respond(nil)
	stack[0] = uint64(len(g.kept))
}

// hostSplice appends a kept response to the request. Its bytes don't pass
// through the guest.
func hostSplice(g guest, stack []uint64) {
	b := g.keptAs("splice", uint32(stack[0]))
	g.pay(uint64(len(b)))
	g.send(b)
}

// hostRecall makes a kept response the response again, to be read from its
// beginning, and answers its length. It stays kept.
func hostRecall(g guest, stack []uint64) {
	g.respond(g.keptAs("recall", uint32(stack[0])))
	stack[0] = uint64(len(g.response))
}

// keptAs returns what keep gave a handle for. Any other handle ends the call.
func (g guest) keptAs(what string, handle uint32) []byte {
	if handle == 0 || uint64(handle) > uint64(len(g.kept)) {
		trap(core.Internal, "The plugin passed %s the handle %d, which keep never gave it.", what, handle)
	}
	return g.kept[handle-1]
}

// send appends bytes to the request, as a copy.
func (g guest) send(b []byte) {
	if limit := max(maxRequest, g.limits.Output); int64(len(g.request)+len(b)) > limit {
		trap(core.TooLarge, "The plugin's request to the host passed %s.", bytesText(limit))
	}
	g.request = append(g.request, b...)
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
	if g.watched != nil { // the host may wait, and touches no memory of the guest's
		g.watched.pause()
		defer g.watched.resume()
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
