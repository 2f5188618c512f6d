package core_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// The platform's events are declared as a plugin's would be, and each has what
// its declaration says.
func TestPlatformEventsAreDeclared(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range core.PlatformEvents() {
		if core.DomainOf(e.Type) != core.PlatformDomain || seen[e.Type] || e.Version != 1 || e.Doc == "" {
			t.Errorf("declared: %+v", e)
		}
		seen[e.Type] = true
	}
	added := core.Happened("ws_a", time.Now(), core.MemberAdded{Account: "acc_1", By: "acc_2"}).Event
	var data map[string]string
	if err := json.Unmarshal(added.Data, &data); err != nil || data["accountId"] != "acc_1" || data["by"] != "acc_2" {
		t.Errorf("%s, %v", added.Data, err)
	}
	for _, e := range core.PlatformEvents() {
		if e.Type != added.Type {
			continue
		}
		var schema struct {
			Required   []string
			Properties map[string]struct{ Type string }
		}
		if err := json.Unmarshal(e.Schema, &schema); err != nil || !slices.Equal(schema.Required, []string{"accountId", "email", "name", "role", "by"}) ||
			len(schema.Properties) != 5 || schema.Properties["role"].Type != "string" {
			t.Errorf("%s, %v", e.Schema, err)
		}
	}
}

// docs/events.md has a line for each of the platform's events, with its members.
func TestPlatformEventsAreDocumented(t *testing.T) {
	document, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range core.PlatformEvents() {
		var schema struct{ Required []string }
		if err := json.Unmarshal(e.Schema, &schema); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("| `%s` | `%s` | %s |\n", e.Type, strings.Join(schema.Required, "` `"), e.Doc)
		if !strings.Contains(string(document), line) {
			t.Errorf("docs/events.md lacks the line\n%s", line)
		}
	}
}
