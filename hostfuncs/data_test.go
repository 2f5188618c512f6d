package hostfuncs_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

func TestDataOperations(t *testing.T) {
	b := newBench(t)
	h := b.bind(abi.KindMutation)
	ada := id(t, h.ask(t, abi.OpDataInsert, `{"table":"contacts","body":{"email":"Ada@Example.com","name":"Ada"}}`))
	bob := id(t, h.ask(t, abi.OpDataInsert, `{"table":"contacts","body":{"email":"bob@example.com","name":"Bob"}}`))
	h.refuse(t, abi.OpDataInsert, `{"table":"contacts","body":{"email":"ada@example.com"}}`, core.Exists)
	h.refuse(t, abi.OpDataInsert, `{"table":"contacts","body":{"nmae":"Bob"}}`, core.Invalid, "nmae")
	h.ask(t, abi.OpDataPatch, `{"table":"contacts","id":"`+ada+`","body":{"name":"Ada L."}}`)
	h.refuse(t, abi.OpDataPatch, `{"table":"contacts","id":"`+ada+`","body":{"name":"A"},"ifVersion":99}`, core.Stale)
	h.ask(t, abi.OpDataReplace, `{"table":"contacts","id":"`+bob+`","body":{"name":"Robert"}}`)
	if got := h.ask(t, abi.OpDataCount, `{"table":"contacts","filter":[{"field":"name","op":"eq","value":"Robert"}]}`); got != `{"count":1}` {
		t.Errorf("count in the unit: %s", got)
	}
	h.commit(t)

	q := b.bind(abi.KindQuery)
	var page struct {
		Data []struct{ ID, Name, Email string }
	}
	if err := json.Unmarshal([]byte(q.ask(t, abi.OpDataQuery, `{"table":"contacts","sort":["name"]}`)), &page); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(page.Data), fmt.Sprintf("[{%s Ada L. ada@example.com} {%s Robert }]", ada, bob); got != want {
		t.Errorf("page: %s, want %s", got, want)
	}
	h = b.bind(abi.KindMutation)
	if got := h.ask(t, abi.OpDataDelete, `{"table":"contacts","id":"`+ada+`"}`); got != `{}` {
		t.Errorf("delete answers %s", got)
	}
	h.refuse(t, abi.OpDataGet, `{"table":"contacts","id":"`+ada+`"}`, core.NotFound)
	h.refuse(t, abi.OpDataQuery, `{"table":"contacts","filter":[{"field":"name","op":"like","value":"A"}]}`, core.Invalid)
	h.refuse(t, abi.OpDataQuery, `{"table":"contacts","cursor":"nonsense"}`, core.Invalid)
}

// TestAttack01_AnotherWorkspacesDocumentIsAMissingOne: the same message, to the
// byte, for every operation that takes an id.
func TestAttack01_AnotherWorkspacesDocumentIsAMissingOne(t *testing.T) {
	b := newBench(t)
	h := b.bind(abi.KindMutation)
	theirs := id(t, h.ask(t, abi.OpDataInsert, `{"table":"contacts","body":{"name":"canary"}}`))
	h.commit(t)
	b.workspace()
	for op, request := range map[abi.Op]string{
		abi.OpDataGet:     `{"table":"contacts","id":%q}`,
		abi.OpDataPatch:   `{"table":"contacts","id":%q,"body":{"name":"x"}}`,
		abi.OpDataReplace: `{"table":"contacts","id":%q,"body":{"name":"x"}}`,
		abi.OpDataDelete:  `{"table":"contacts","id":%q}`,
	} {
		_, stranger := b.bind(abi.KindMutation).Call(t.Context(), op, fmt.Appendf(nil, request, theirs))
		_, missing := b.bind(abi.KindMutation).Call(t.Context(), op, fmt.Appendf(nil, request, core.NewDocumentID()))
		if core.KindOf(stranger) != core.NotFound || core.MessageOf(stranger) != core.MessageOf(missing) {
			t.Errorf("operation %d: %v; a missing one: %v", op, stranger, missing)
		}
	}
	if got := b.bind(abi.KindQuery).ask(t, abi.OpDataQuery, `{"table":"contacts"}`); got != `{"data":[]}` {
		t.Errorf("query: %s", got)
	}
}
