package runtime

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// kernel are functions of Extism's, as functions 0 to 6.
var kernel = []asmFunc{
	{module: "extism:host/env", name: "alloc", signature: "I:I"},
	{module: "extism:host/env", name: "reset", signature: ""},
	{module: "extism:host/env", name: "output_set", signature: "II"},
	{module: "extism:host/env", name: "var_set", signature: "II"},
	{module: "extism:host/env", name: "input_offset", signature: ":I"},
	{module: "extism:host/env", name: "http_request", signature: "II:I"},
	{module: "extism:host/env", name: "input_length", signature: ":I"},
}

// What a host call costs is charged once, whatever is left of the slice when it
// is settled, and wherever the guest yields.
func TestHostCallsAreChargedOnce(t *testing.T) {
	ask := slices.Concat(asmCall(6), opDrop)
	spent := func(before []byte, each ...byte) int64 {
		m := load(t, shared(), asm{imports: kernel, memory: pages(1), funcs: []asmFunc{{name: "f", locals: counter, code: slices.Concat(before, counting(100_000, each...))}}}.bytes())
		r := shared().Run(t.Context(), m, Call{Function: "f"})
		must(t, r)
		return r.Fuel
	}
	none := spent(nil)
	if once := spent(ask) - none; once < hostCallFuel || once > hostCallFuel+2 {
		t.Errorf("one call costs %d units", once)
	}
	if all := spent(nil, ask...) - none; all < 100_000*hostCallFuel || all > 100_000*hostCallFuel+100 {
		t.Errorf("100,000 calls cost %d units", all)
	}
}

// What the host does for a guest costs by its bytes, as it would the guest, so
// that the call's fuel bounds it.
func TestAttack16_HostWorkIsPaid(t *testing.T) {
	const times, block, answer, input = 10, 60 << 20, 8 << 20, 8 << 20 // bytes
	alloc := slices.Concat(i64Const(block), asmCall(0), opDrop)
	for name, work := range map[string]struct {
		before, each []byte
		bytes        int64
	}{
		"blocks made and freed": {nil, slices.Concat(alloc, asmCall(1)), block},
		"answers":               {alloc, slices.Concat(i64Const(arenaAlign), i64Const(answer), asmCall(2)), answer},
		"inputs":                {nil, slices.Concat(asmCall(4), opDrop, asmCall(1)), input},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, shared(), asm{imports: kernel, memory: pages(1), funcs: []asmFunc{{name: "f", locals: counter,
				code: slices.Concat(work.before, counting(times, work.each...))}}}.bytes())
			call := Call{Function: "f", Input: make([]byte, input), Limits: Limits{Memory: 64 << 20, Time: time.Minute}}
			r := shared().Run(t.Context(), m, call)
			must(t, r)
			price := times * work.bytes / bytesPerUnit
			if r.Fuel < price {
				t.Errorf("%d times %d bytes cost %d units, not %d", times, work.bytes, r.Fuel, price)
			}
			call.Limits.Fuel = price / 2
			wantError(t, shared().Run(t.Context(), m, call), core.OutcomeOutOfFuel, "its fuel")
		})
	}
}

// A name is not read when it is too large for one, however it is paid for.
func TestAttack16_NamesAreBounded(t *testing.T) {
	const block = 60 << 20
	m := load(t, shared(), asm{imports: kernel, memory: pages(1), funcs: []asmFunc{{name: "f",
		code: slices.Concat(i64Const(block), asmCall(0), opDrop, i64Const(arenaAlign), i64Const(0), asmCall(3))}}}.bytes())
	wantError(t, shared().Run(t.Context(), m, Call{Function: "f", Limits: Limits{Memory: 64 << 20}}), core.OutcomeTrap, "a name of 62914560 bytes")
}

type sizes struct{ largest int }

// Call implements Host.
func (s *sizes) Call(_ context.Context, _ abi.Op, request []byte) ([]byte, error) {
	s.largest = max(s.largest, len(request))
	return []byte("{}"), nil
}

// What Extism's http_request is given is
// neither read nor passed on when it is too large.
func TestAttack16_HTTPRequestsAreBounded(t *testing.T) {
	for name, code := range map[string][]byte{
		"head": slices.Concat(asmCall(4), i64Const(0)),
		"body": slices.Concat(i64Const(0), asmCall(4)),
		"both": slices.Concat(asmCall(4), asmCall(4)),
	} {
		m := load(t, shared(), asm{imports: kernel, memory: pages(1), funcs: []asmFunc{{name: "f", code: slices.Concat(code, asmCall(5), opDrop)}}}.bytes())
		var host sizes
		input := []byte(`{"headers":{` + strings.Repeat(`"a":"",`, 2<<20) + `"a":""}}`)
		r := shared().Run(t.Context(), m, Call{Function: "f", Input: input, Host: &host, Limits: Limits{Memory: 64 << 20}})
		wantError(t, r, core.OutcomeTrap, "HTTP request")
		if host.largest > 0 {
			t.Errorf("%s: the host was given %d bytes", name, host.largest)
		}
	}
}
