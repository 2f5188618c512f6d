package runtime

import (
	"github.com/tetratelabs/wazero/api"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// Fuel is counted in units: about one iteration of a small loop, or one call.
// The weaver (runtime/wasm) has the guest count down a slice of it; when the
// slice is spent the guest calls yield, which hands out the next one or ends
// the call. What a call used is what it was handed less what it has left, so
// the number does not depend on the size of a slice, nor on the machine.
const (
	// slice is what a guest runs for without asking. Between two yields Go's
	// collector waits for the guest, so it is short: well under 10 ms even when
	// every access to memory misses the cache.
	slice = 8192
	// shortSlice is that of a guest whose image is larger than what it may have
	// to touch first (looseBytes).
	shortSlice = 128
	// hostCallFuel is the price of one host call. Bytes that are copied in or
	// out cost a unit for each bytesPerUnit of them.
	hostCallFuel = 64
	bytesPerUnit = 64
	// defaultFuel bounds a call that sets no limit: many seconds of work.
	defaultFuel = 20_000_000_000
)

// stackBudget bounds how deep a guest's calls may nest, in bytes of estimated
// frames; the machine's own are at most eight times that. They lie outside the
// guest's memory.
const stackBudget = 1 << 20

// meter is what a call was handed of its fuel.
type meter struct {
	limit   int64
	granted int64
	slice   int64             // what the guest runs for without asking
	unit    api.MutableGlobal // the guest's counter; nil before it has one, and unmetered
}

// used returns what the call has used, given what the guest has left.
func (m *meter) used(left int64) int64 { return m.granted - left }

// spent returns what the call has used up to now.
func (m *meter) spent() int64 {
	if m.unit == nil {
		return m.granted
	}
	return m.used(int64(m.unit.Get()))
}

// end keeps what was used and what is owed, before another call counts with the
// same instance.
func (m *meter) end(owed int64) { m.granted, m.unit = m.spent()+owed, nil }

// next returns the guest's next slice, false when the limit is passed.
func (m *meter) next(left int64) (int64, bool) {
	rest := m.limit - m.used(left)
	if rest < 0 {
		return left, false
	}
	next := min(m.slice, rest)
	m.granted += next - left
	return next, true
}

// charge lowers the guest's fuel for what the host does for it; false when the
// limit is passed. Code without a check may call the host many times, so what
// is overdrawn is not left for the guest to notice.
func (m *meter) charge(n int64) bool {
	if m.unit == nil || n == 0 {
		return true
	}
	left := int64(m.unit.Get()) - n
	ok := true
	if left < 0 {
		left, ok = m.next(left)
	}
	m.unit.Set(uint64(left))
	return ok
}

// settle charges the call what it owes, and ends it when its fuel is used up.
// Where that happens depends on nothing but what the guest did.
func (inv *invocation) settle(module api.Module) {
	inv.findFuel(module)
	owed := inv.owed
	inv.owed = 0
	if !inv.meter.charge(owed) {
		inv.outOfFuel()
	}
}

// findFuel finds the guest's counter while the module starts.
func (inv *invocation) findFuel(module api.Module) {
	if inv.meter.unit == nil {
		inv.meter.unit, _ = module.ExportedGlobal(wasm.FuelName).(api.MutableGlobal)
	}
}

func (inv *invocation) outOfFuel() {
	panic(&stop{core.OutcomeOutOfFuel, core.E("runtime.Run", core.OutOfFuel,
		"The plugin used up its fuel of %d units.", inv.limits.Fuel)})
}

// engineDoor is what the weaver makes guests import. A module that imports it
// itself is refused.
var engineDoor = door{module: wasm.EngineModule, functions: map[string]function{
	wasm.YieldName: {signature: yieldSignature, call: engineYield, settles: true},
}}

var yieldSignature = fn("Ii:I", nil).signature

// engineYield is where a guest asks for more. Being Go code it also lets the
// collector and the deadline have their turn.
func engineYield(g guest, s []uint64) {
	const op = "runtime.Run"
	if int32(uint32(s[1])) < 0 {
		panic(&stop{core.OutcomeTrap, core.E(op, core.Internal,
			"The plugin's functions call each other too deep: they passed the stack of %s.", bytesText(stackBudget))})
	}
	if g.call.Yield != nil {
		g.call.Yield(g.ctx)
	}
	left := int64(s[0]) - g.owed // the guest has its counter in hand: what is owed goes off that
	g.owed = 0
	next, ok := g.meter.next(left)
	if !ok {
		g.meter.unit.Set(uint64(left))
		g.outOfFuel()
	}
	s[0] = uint64(next)
}
