package runtime

import (
	"fmt"
	goruntime "runtime"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// beside makes an attack while a neighbour works in the same engine: a plugin in
// Go that is called over and over, with the collector running after every call.
// The neighbour must notice nothing, and must get its turn.
func beside(t *testing.T, attack func()) {
	t.Helper()
	m := load(t, shared(), guestPlain(t))
	begun, done := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		first := sync.OnceFunc(func() { close(begun) })
		defer first()
		for n := 0; ; n++ {
			c := Call{Function: ExportCall, Installation: "neighbour", Input: fmt.Appendf(nil, `{"do":"greet","name":"%d"}`, n), Now: time.Unix(1, 0)}
			r := shared().Run(t.Context(), m, c)
			if want := fmt.Sprintf(`{"greeting":"Hello, %d"}`, n); r.Err != nil || string(r.Output) != want {
				t.Errorf("call %d of the neighbour: %q, %v", n, r.Output, r.Err)
				return
			}
			goruntime.GC()
			first()
			select {
			case <-done:
				return
			default:
			}
		}
	})
	<-begun
	attack()
	close(done)
	group.Wait()
}

// attack runs the function "f" of a module beside a neighbour.
func attack(t *testing.T, module []byte, l Limits) Result {
	t.Helper()
	m := load(t, shared(), module)
	var r Result
	beside(t, func() {
		r = shared().Run(t.Context(), m, Call{Function: "f", Installation: "attacker", Limits: l, Host: hostFunc(func() {})})
	})
	return r
}

// fuel lets a call run until its fuel is spent, however slow the machine is.
func fuel(units int64) Limits { return Limits{Fuel: units, Time: time.Hour} }

// anyOp is an operation of the platform that the tests' hosts answer.
const anyOp = int32(abi.OpDataGet)
