package jsonschema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/adapters/jsonschema"
	"github.com/carrel-dev/carrel/core"
)

// One checker serves all calls at the same time, and each check has its own
// means: what one spends on patterns is not another's.
func TestEventsAreCheckedSideBySide(t *testing.T) {
	var events jsonschema.Events
	schema := json.RawMessage(`{"type":"object","properties":{"code":{"type":"string","pattern":"^[a-z]+$"}}}`)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 200 {
				good, bad := fmt.Sprintf(`{"code":%q}`, strings.Repeat("a", 1000)), fmt.Sprintf(`{"code":"%d"}`, i*n)
				if err := events.CheckEvent(schema, json.RawMessage(good)); err != nil {
					t.Error(err)
				}
				if err := events.CheckEvent(schema, json.RawMessage(bad)); core.KindOf(err) != core.Invalid || core.ViolationsOf(err)[0].Location != "data.code" {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i := range 2000 { // more schemas than are kept
		other := json.RawMessage(fmt.Sprintf(`{"type":"object","maxProperties":%d}`, i))
		if err := events.CheckEvent(other, json.RawMessage(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEventsThatAreTooMuchWork(t *testing.T) {
	var events jsonschema.Events
	for schema, data := range map[string]string{
		`{"properties":{"a":{"pattern":"` + strings.Repeat("(a|b)?", 80) + `$"}}}`: `{"a":"` + strings.Repeat("a", 60_000) + `"}`,
		`{"$ref":"https://example.com/schema.json"}`:                               `{}`,
		`{"properties":{"a":{"$ref":"#/properties/a"}}}`:                           `{}`,
		`{"type":"object"}`: `{`,
	} {
		if err := events.CheckEvent(json.RawMessage(schema), json.RawMessage(data)); core.KindOf(err) != core.Invalid {
			t.Errorf("%.60s: %v", schema, err)
		}
	}
}
