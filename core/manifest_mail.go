package core

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// MailSetting is the property of an installation's settings in which the host
// finds the server its mail goes to.
const MailSetting = "smtp"

// mailProperties are those of the setting, in the order people fill them in.
var mailProperties = []struct {
	name, kind string
	secret     bool
	enum       []string
}{
	{name: "host", kind: "string"},
	{name: "port", kind: "integer"},
	{name: "username", kind: "string"},
	{name: "password", kind: "string", secret: true},
	{name: "security", kind: "string", enum: []string{"starttls", "tls", "none"}},
	{name: "fromName", kind: "string"},
	{name: "fromAddress", kind: "string"},
}

// mailSettings checks that the settings of a plugin that sends mail can hold
// the server, with a password nobody but the host reads.
func (c *manifestCheck) mailSettings() {
	var schema any
	_ = json.Unmarshal(c.m.Settings, &schema) // settings says what is wrong with it
	at := "settings.properties." + MailSetting
	setting := propertyOf(schema, MailSetting)
	if setting["type"] != "object" {
		c.wrong.Add(at, `must be an object: the capability mail sends through the server it names. In Go, give the settings a field SMTP sdk.SMTP with the tag json:%q`, MailSetting)
		return
	}
	for _, want := range mailProperties {
		at, line := at+".properties."+want.name, fmt.Sprintf(`%q: {"type": %q`, want.name, want.kind)
		if want.secret {
			line += `, "secret": true`
		}
		if want.enum != nil {
			line += `, "enum": ["` + strings.Join(want.enum, `", "`) + `"]`
		}
		switch got := propertyOf(setting, want.name); {
		case got == nil:
			c.wrong.Add(at, "is missing, and the capability mail needs it; add %s}", line)
		case got["type"] != want.kind || (got["secret"] == true) != want.secret || !sameWords(got["enum"], want.enum):
			c.wrong.Add(at, "must be %s} for the capability mail", line)
		}
	}
}

// propertyOf is the schema of a property; nil if there is none.
func propertyOf(schema any, name string) map[string]any {
	node, _ := schema.(map[string]any)
	properties, _ := node["properties"].(map[string]any)
	property, _ := properties[name].(map[string]any)
	return property
}

// sameWords reports whether the enum of a property holds the words, in any
// order. Without words there are no conditions.
func sameWords(enum any, words []string) bool {
	list, _ := enum.([]any)
	if words == nil {
		return true
	}
	return len(list) == len(words) && !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(list, any(w)) })
}
