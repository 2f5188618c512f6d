// Command poster is a plugin for tests: its pages put scripts, markup and
// addresses of others into every member of every component, and its route
// refuses with more of them. Nothing of it may be more than text in a browser.
package main

import (
	"embed"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

func init() {
	sdk.Plugin("poster", "1.0.0", embed.FS{}).
		Publisher("carrel").Title("Poster").Summary("Puts up what nobody should see run.").License("Apache-2.0").
		Uses(abi.CapabilityData, "To look like any plugin.").
		Mutation("POST /refuse", refuse).
		Page("/wall", "Wall", wall).
		Page("/names", "Names", names).
		Page("/wall/:id", "One poster", wall)
}

func main() {}

// refuse answers with payloads in place of reasons.
func refuse(*sdk.Ctx) error {
	refusal := &abi.Error{Kind: "invalid", Message: payloads[0]}
	for _, payload := range payloads {
		refusal.Violations = append(refusal.Violations,
			abi.Violation{Location: "body.line", Message: payload}, abi.Violation{Location: "body." + payload, Message: payload})
	}
	return refusal
}
