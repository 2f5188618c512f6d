package sdk

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// What the SDK gives to plugins that send mail is what the host asks of them.
func TestSMTPIsWhatTheCapabilityMailNeeds(t *testing.T) {
	type settings struct {
		SMTP SMTP `json:"smtp"`
	}
	m := abi.Manifest{
		ABI: abi.Version, Name: "letters", Publisher: "acme", Version: "1.0.0", Title: "Letters", Summary: "Sends letters.",
		Settings:     schemaJSON(reflect.TypeFor[settings]()),
		Capabilities: []abi.CapabilityRequest{{Name: abi.CapabilityMail, Reason: "To send letters."}},
	}
	if err := core.CheckManifest(m); err != nil {
		t.Error(core.ViolationsOf(err))
	}
	m.Settings = json.RawMessage(strings.Replace(string(m.Settings), `"secret":true,`, "", 1))
	if err := core.CheckManifest(m); len(core.ViolationsOf(err)) != 1 {
		t.Errorf("a password everybody reads: %v", err)
	}
}

func TestURL(t *testing.T) {
	c := &Ctx{}
	if !c.decode([]byte(`{"publicUrl":"https://carrel.example.com/w/acme/email"}`)) {
		t.Fatal("not decoded")
	}
	if got := c.URL("/confirm/abc"); got != "https://carrel.example.com/w/acme/email/confirm/abc" {
		t.Error(got)
	}
}
