package main

import (
	"encoding/json"
	"testing"
)

func TestFilters(t *testing.T) {
	data := readObject(json.RawMessage(`{"source":"import","total":{"amount":1250,"currency":"EUR"},"vip":true,"none":null,"ratio":1.5,"list":["a"]}`))
	for filter, want := range map[string]bool{
		`{}`:                                       true,
		`{"source":"import"}`:                      true,
		`{"source":"manual"}`:                      false,
		`{"source":["manual","import"]}`:           true,
		`{"source":[]}`:                            false,
		`{"total.currency":"EUR","vip":true}`:      true,
		`{"total.currency":"EUR","vip":false}`:     false,
		`{"total.amount":1250.0}`:                  true,
		`{"total.amount":"1250"}`:                  false,
		`{"total.amount":[1,1.25e3]}`:              true,
		`{"ratio":1.5}`:                            true,
		`{"vip":"true"}`:                           false,
		`{"none":null}`:                            true,
		`{"gone":null}`:                            true,
		`{"source":null}`:                          false,
		`{"gone.further":"x"}`:                     false,
		`{"total":"EUR"}`:                          false,
		`{"list":"a"}`:                             false,
		`{"source.length":6}`:                      false,
		`{"source":["import",null],"gone":[null]}`: true,
	} {
		var decoded map[string]any // as a document's fields are decoded
		if err := json.Unmarshal([]byte(filter), &decoded); err != nil {
			t.Fatal(err)
		}
		if got := matches(decoded, data); got != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
}

func TestAutomationsAreChecked(t *testing.T) {
	good := Automation{EventType: "order.paid", Filter: map[string]any{"a": "b", "c": []any{1.0, nil}}}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Automation){
		"a delay in the past": func(a *Automation) { a.DelaySec = -1 },
		"a delay of years":    func(a *Automation) { a.DelaySec = 1 << 40 },
		"all events":          func(a *Automation) { a.EventType = "order.*" },
		"no event":            func(a *Automation) { a.EventType = "order" },
		"an object":           func(a *Automation) { a.Filter = map[string]any{"a": map[string]any{}} },
		"a list in a list":    func(a *Automation) { a.Filter = map[string]any{"a": []any{[]any{}}} },
	} {
		bad := good
		spoil(&bad)
		if bad.check() == nil {
			t.Errorf("%s is no violation", name)
		}
	}
}
