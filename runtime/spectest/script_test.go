package spectest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// script is a file of the suite in the format that wast2json writes: commands
// beside the modules they name.
type script struct {
	Commands []command `json:"commands"`
}

type command struct {
	Type string `json:"type"` // "module", "action", "assert_return", ...
	Line int    `json:"line"` // in the .wast it was made from

	Name       string `json:"name"`        // of a module, to be called by
	As         string `json:"as"`          // of a module, to be imported by
	Filename   string `json:"filename"`    // of a module
	ModuleType string `json:"module_type"` // "binary" or "text"

	Action   action  `json:"action"`
	Expected []value `json:"expected"`
	Text     string  `json:"text"` // what a trap says
}

type action struct {
	Type   string  `json:"type"` // "invoke" or "get"
	Module string  `json:"module"`
	Field  string  `json:"field"`
	Args   []value `json:"args"`
}

func (c command) String() string {
	s := fmt.Sprintf("line %d, %s", c.Line, c.Type)
	if c.Action.Field != "" {
		s += fmt.Sprintf(" %q", c.Action.Field)
	}
	return strings.TrimSpace(s + " " + c.Filename)
}

// readScript reads a file of commands. A "register" names the module right
// before it, which wazero wants to know when it makes the instance, so that is
// where the name goes.
func readScript(dir fs.FS, name string) ([]command, error) {
	raw, err := fs.ReadFile(dir, name)
	if err != nil {
		return nil, err
	}
	var s script
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	for i, c := range s.Commands {
		if c.Type != "register" {
			continue
		}
		if i == 0 || s.Commands[i-1].Type != "module" {
			return nil, fmt.Errorf("%s: %s does not follow a module", name, c)
		}
		s.Commands[i-1].As = c.As
	}
	return slices.DeleteFunc(s.Commands, func(c command) bool { return c.Type == "register" }), nil
}
