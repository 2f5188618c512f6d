package runtime

import "context"

// invocation is the state of one call, everything the three doors know. It is
// used by the guest's goroutine alone, lives as long as the call, and is found
// through the context that Run makes: there is no other way from one call to
// another's state.
type invocation struct {
	context callContext

	call   Call
	limits Limits
	depth  int // of Run inside Host.Call; 1 is outermost

	hasMemory bool       // the guest has a linear memory
	seen      linearView // its linear memory, nil until it asks
	owed      int64      // fuel for host calls that is not charged yet
	watched   backing    // of the guest's memory; nil without an image
	share     share      // of litter
	memory    budget
	meter     meter
	clock     clock
	random    random
	log       guestLog

	exchange
	output   []byte
	answered bool
	extism   extism

	stopped *stop   // set when a host function ended the call
	exit    *uint32 // set when the guest did, by proc_exit
}

type invocationKey struct{}

func newInvocation(c Call, l Limits) *invocation {
	inv := &invocation{call: c, limits: l, depth: 1}
	inv.memory.limit = l.Memory
	inv.meter.limit, inv.meter.slice = l.Fuel, slice
	if !c.Now.IsZero() {
		inv.clock.start = uint64(c.Now.UnixNano())
	}
	inv.random.seed = c.Seed
	inv.log.write = c.Log
	inv.extism.memory = &inv.memory
	return inv
}

// invocationOf returns the call a context belongs to, nil outside of one.
func invocationOf(ctx context.Context) *invocation {
	if c, ok := ctx.(*callContext); ok {
		return c.inv
	}
	inv, _ := ctx.Value(invocationKey{}).(*invocation)
	return inv
}
