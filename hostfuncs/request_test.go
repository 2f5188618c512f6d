package hostfuncs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// TestAttack16_RequestsAreBoundedBeforeTheyAreRead: an operation that carries
// nothing of the plugin's own refuses a large request before it makes lists of
// it; the others go on to bounds of their own.
func TestAttack16_RequestsAreBoundedBeforeTheyAreRead(t *testing.T) {
	carry := []abi.Op{
		abi.OpDataInsert, abi.OpDataPatch, abi.OpDataReplace, abi.OpEventsEmit, abi.OpJobsSchedule, abi.OpMutate, abi.OpHTTPFetch, abi.OpLogWrite,
		abi.OpMailSend, abi.OpCryptoVerify, abi.OpBlobPut,
	}
	b := newBench(t)
	large := []byte(`{"table":"contacts","filter":[` + strings.Repeat(`{},`, 1<<20) + `{}]}`)
	everything := func(binding *hostfuncs.Binding) {
		for _, o := range hostfuncs.Ops() {
			binding.Installation.Grants = append(slices.Clone(binding.Installation.Grants), core.Grant{Capability: o.Capability})
		}
	}
	for _, o := range hostfuncs.Ops() {
		_, err := b.bind(o.Kinds[0], everything).Call(t.Context(), o.Op, large)
		bounded := strings.Contains(core.MessageOf(err), "has at most 65536 bytes")
		if err == nil || core.KindOf(err) == core.Denied || bounded == slices.Contains(carry, o.Op) {
			t.Errorf("%s: %.200v", o.Name, err)
		}
	}
}
