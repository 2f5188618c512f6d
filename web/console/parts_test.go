package console

import (
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

func TestWhatPeopleRead(t *testing.T) {
	for got, want := range map[string]string{
		number(0): "0", number(999): "999", number(1000): "1,000", number(-12345678): "-12,345,678",
		span(900 * time.Nanosecond): "0 µs", span(1500 * time.Microsecond): "1.5 ms", span(90 * time.Second): "90.0 s",
		money(core.Money{Amount: 4900, Currency: "EUR"}): "49.00 EUR", money(core.Money{Amount: -5, Currency: "USD"}): "-0.05 USD",
		money(core.Money{Amount: 1234567, Currency: "JPY"}): "1,234,567 JPY", money(core.Money{Amount: 1, Currency: "KWD"}): "0.001 KWD",
		size(100): "100 bytes", size(3 << 19): "1.5 MiB", spaced("fromAddress"): "From address", spaced("api_key"): "Api key",
		and(nil): "", and([]string{"a"}): "a", and([]string{"a", "b", "c"}): "a, b and c",
		fullness(79, 100): "", fullness(80, 100): "near", fullness(100, 100): "full",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestEveryCapabilityHasASentence(t *testing.T) {
	for _, c := range core.Capabilities() {
		if plainWords[c] == "" {
			t.Errorf("%s has none", c)
		}
	}
}

func TestWhatAVersionChanges(t *testing.T) {
	before := &abi.Manifest{
		Capabilities: []abi.CapabilityRequest{{Name: abi.CapabilityHTTP, Hosts: []string{"a.example"}}, {Name: abi.CapabilityEvents}},
		Listens:      []abi.Listener{{Type: "crm.contact.created"}},
		Permissions:  []abi.Permission{{Name: "p.read", Doc: "See things", Roles: []string{"member"}}},
	}
	after := &abi.Manifest{
		Capabilities: []abi.CapabilityRequest{{Name: abi.CapabilityHTTP, Hosts: []string{"b.example"}}, {Name: abi.CapabilityEvents}},
		Permissions:  before.Permissions,
		Routes:       []abi.Route{{Method: "POST", Path: "/hook", Public: true}, {Method: "GET", Path: "/private"}},
	}
	want := []change{
		{"It talks to b.example.", true}, {"Anybody may use POST /hook without signing in.", true},
		{"It talks to a.example.", false}, {"It is told of crm.contact.created.", false},
	}
	got := changesBetween(before, after)
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d is %+v, want %+v", i, got[i], want[i])
		}
	}
	if same := changesBetween(after, after); len(same) != 0 {
		t.Errorf("a version changes itself: %+v", same)
	}
}
