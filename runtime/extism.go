package runtime

import (
	"encoding/binary"
	"encoding/json"
	"math"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// extism is what Extism's kernel keeps for a guest. Variables live as long as
// the call: the next one starts from nothing.
type extism struct {
	arena
	input    uint64 // handle of the input, made when asked for
	failure  string // what error_set said
	errorAt  uint64 // handle of it
	vars     map[string][]byte
	varBytes int
	status   int32             // of the last HTTP response
	headers  map[string]string // of it
}

// Bounds of what Extism's functions take, in bytes.
const (
	maxVars        = 1 << 20  // a call's variables, names and values together
	maxName        = 4 << 10  // of a variable, or of a value of the configuration
	maxRequestHead = 64 << 10 // the JSON of an HTTP request: all but its body
)

// Numbers of get_log_level; the kernel calls the last one "off".
const (
	extismLogAll = 0
	extismLogOff = math.MaxInt32
)

// extismDoor is the kernel every Extism PDK is built on. Handles are offsets
// into the call's arena, see there.
var extismDoor = door{module: "extism:host/env", functions: map[string]function{
	"alloc":         quick(fn("I:I", func(g guest, s []uint64) { s[0] = g.alloc(s[0]) })),
	"free":          quick(fn("I", func(g guest, s []uint64) { g.extism.release(s[0]) })),
	"length":        quick(fn("I:I", func(g guest, s []uint64) { s[0] = uint64(len(g.extism.block(s[0]))) })),
	"length_unsafe": quick(fn("I:I", func(g guest, s []uint64) { s[0] = uint64(len(g.extism.block(s[0]))) })),
	"load_u8":       quick(fn("I:i", func(g guest, s []uint64) { s[0] = uint64(g.extism.load8(s[0])) })),
	"load_u64":      quick(fn("I:I", func(g guest, s []uint64) { s[0] = g.extism.load64(s[0]) })),
	"store_u8":      quick(fn("Ii", func(g guest, s []uint64) { g.extism.store8(s[0], byte(s[1])) })),
	"store_u64":     quick(fn("II", func(g guest, s []uint64) { g.extism.store64(s[0], s[1]) })),
	"memory_bytes":  quick(fn(":I", func(g guest, s []uint64) { s[0] = uint64(len(g.extism.bytes)) })),
	"reset":         fn("", extismReset),

	"input_length":   quick(fn(":I", func(g guest, s []uint64) { s[0] = uint64(len(g.call.Input)) })),
	"input_offset":   quick(fn(":I", extismInputOffset)),
	"input_load_u8":  quick(fn("I:i", extismInputLoad8)),
	"input_load_u64": quick(fn("I:I", extismInputLoad64)),
	"output_set":     quick(fn("II", extismOutputSet)),
	"error_set":      fn("I", extismErrorSet),
	"error_get":      fn(":I", func(g guest, s []uint64) { s[0] = g.extism.errorAt }),

	"config_get": fn("I:I", extismConfigGet),
	"var_get":    fn("I:I", extismVarGet),
	"var_set":    fn("II", extismVarSet),

	"http_request":     fn("II:I", extismHTTPRequest),
	"http_status_code": fn(":i", func(g guest, s []uint64) { s[0] = uint64(uint32(g.extism.status)) }),
	"http_headers":     fn(":I", extismHTTPHeaders),

	"log_trace":     fn("I", func(g guest, s []uint64) { g.logBlock("debug", s[0]) }),
	"log_debug":     fn("I", func(g guest, s []uint64) { g.logBlock("debug", s[0]) }),
	"log_info":      fn("I", func(g guest, s []uint64) { g.logBlock("info", s[0]) }),
	"log_warn":      fn("I", func(g guest, s []uint64) { g.logBlock("warn", s[0]) }),
	"log_error":     fn("I", func(g guest, s []uint64) { g.logBlock("error", s[0]) }),
	"get_log_level": fn(":i", extismLogLevel),
}}

// alloc returns a new block's handle, or ends the call: PDKs don't check for a
// failure and would go on with another block's bytes.
// The guest pays for the bytes, which are zeroed.
func (g guest) alloc(length uint64) uint64 {
	g.pay(length)
	handle, ok := g.extism.alloc(length)
	if !ok {
		g.outOfMemory()
	}
	return handle
}

// give returns the handle of a new block that holds b.
func (g guest) give(b []byte) uint64 {
	g.pay(uint64(len(b)))
	handle, ok := g.extism.put(b)
	if !ok {
		g.outOfMemory()
	}
	return handle
}

// block returns the bytes of a block, which the guest pays for.
func (g guest) block(handle uint64) []byte {
	b := g.extism.block(handle)
	g.pay(uint64(len(b)))
	return b
}

// name returns the bytes of a block that is to be a name, and ends the call if
// that has more than a name may.
func (g guest) name(handle uint64) string {
	b := g.extism.block(handle)
	if len(b) > maxName {
		trap(core.TooLarge, "The plugin asked for a name of %d bytes; the limit is %d.", len(b), maxName)
	}
	return string(b)
}

func (g guest) logBlock(level string, handle uint64) {
	if b := g.extism.block(handle); b != nil {
		g.log.line(level, string(b[:min(len(b), maxLogLine+1)]))
	}
}

// extismReset frees every block.
func extismReset(g guest, _ []uint64) {
	g.extism.reset()
	g.extism.input, g.extism.errorAt = 0, 0
}

func extismLogLevel(g guest, s []uint64) {
	s[0] = extismLogAll
	if g.call.Log == nil {
		s[0] = extismLogOff
	}
}

func extismInputOffset(g guest, s []uint64) {
	if g.extism.input == 0 && len(g.call.Input) > 0 {
		g.extism.input = g.give(g.call.Input)
	}
	s[0] = g.extism.input
}

func extismInputLoad8(g guest, s []uint64) {
	at, in := s[0], g.call.Input
	s[0] = 0
	if at < uint64(len(in)) {
		s[0] = uint64(in[at])
	}
}

func extismInputLoad64(g guest, s []uint64) {
	at, in := s[0], g.call.Input
	s[0] = 0
	if size := uint64(len(in)); size >= 8 && at <= size-8 {
		s[0] = binary.LittleEndian.Uint64(in[at:])
	}
}

func extismOutputSet(g guest, s []uint64) {
	at, length := s[0], s[1]
	if length == 0 {
		g.answer(nil)
		return
	}
	b, ok := g.extism.slice(at, length)
	if !ok {
		trap(core.Internal, "The plugin passed output_set a range outside its memory: %d bytes at %#x.", length, at)
	}
	g.pay(length)
	g.answer(b)
}

func extismErrorSet(g guest, s []uint64) {
	g.extism.errorAt, g.extism.failure = 0, ""
	if b := g.extism.block(s[0]); b != nil {
		g.extism.errorAt = s[0]
		g.extism.failure = cut(string(b[:min(len(b), maxLogLine+1)]), maxLogLine)
	}
}

func extismConfigGet(g guest, s []uint64) {
	value, ok := g.call.Config[g.name(s[0])]
	s[0] = 0
	if ok {
		s[0] = g.give([]byte(value))
	}
}

func extismVarGet(g guest, s []uint64) {
	value, ok := g.extism.vars[g.name(s[0])]
	s[0] = 0
	if ok {
		s[0] = g.give(value)
	}
}

func extismVarSet(g guest, s []uint64) {
	x := &g.extism
	name := g.name(s[0])
	if old, ok := x.vars[name]; ok {
		x.varBytes -= len(name) + len(old)
		delete(x.vars, name)
	}
	value := g.block(s[1])
	if value == nil {
		return
	}
	if x.varBytes+len(name)+len(value) > maxVars {
		trap(core.TooLarge, "The plugin's variables passed %s.", bytesText(maxVars))
	}
	if x.vars == nil {
		x.vars = map[string][]byte{}
	}
	x.vars[name] = append([]byte(nil), value...)
	x.varBytes += len(name) + len(value)
}

// extismHTTPRequest sends a request through the choke point, like the operation
// http.fetch. Extism has no way to answer a refusal but to end the call.
func extismHTTPRequest(g guest, s []uint64) {
	var meta struct {
		Method  string            `json:"method"`
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
	}
	head, body := g.block(s[0]), g.block(s[1])
	if len(head) > maxRequestHead || len(body) > maxRequest/2 { // its base64 takes a third more
		trap(core.TooLarge, "The plugin's HTTP request has %d bytes and a body of %d; the limits are %d and %d.", len(head), len(body), maxRequestHead, maxRequest/2)
	}
	if err := json.Unmarshal(head, &meta); err != nil {
		trap(core.Invalid, "The plugin's HTTP request is not the JSON Extism describes.")
	}
	if meta.Method == "" {
		meta.Method = "GET"
	}
	request, _ := json.Marshal(abi.FetchRequest{Method: meta.Method, URL: meta.URL, Headers: meta.Headers, Body: body})
	answer, err := g.ask(abi.OpHTTPFetch, request)
	if err != nil {
		outcome := core.OutcomeTrap
		if core.KindOf(err) == core.Denied {
			outcome = core.OutcomeDenied
		}
		panic(&stop{outcome, &core.Error{Op: "runtime.Run", Kind: core.KindOf(err), Msg: core.MessageOf(err), Err: err}})
	}
	var response abi.FetchResponse
	if err := json.Unmarshal(answer, &response); err != nil {
		panic(err) // the host's own answer
	}
	g.extism.status, g.extism.headers = int32(response.Status), response.Headers
	s[0] = g.give(response.Body)
}

func extismHTTPHeaders(g guest, s []uint64) {
	s[0] = 0
	if len(g.extism.headers) > 0 {
		b, _ := json.Marshal(g.extism.headers)
		s[0] = g.give(b)
	}
}
