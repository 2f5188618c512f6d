package jsonschema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

const (
	maxViolations = 50  // reported of one object; of more, any
	maxMessage    = 300 // bytes
)

var english = message.NewPrinter(language.English)

// faults makes violations of what the library found.
type faults struct {
	at      string // where the object is: its violations are located below
	unknown string // said of a member the schema doesn't know
	schema  any

	wrong core.Violations
}

// of returns a violation for each fault that has no cause below it.
func (f *faults) of(e *jsonschema.ValidationError) core.Violations {
	f.explain(e)
	slices.SortStableFunc(f.wrong, func(a, b abi.Violation) int { return strings.Compare(a.Location, b.Location) })
	return f.wrong
}

func (f *faults) explain(e *jsonschema.ValidationError) {
	if len(f.wrong) >= maxViolations {
		return
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			f.wrong.Add(f.location(append(slices.Clone(e.InstanceLocation), name)), "is missing")
		}
		return
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			f.wrong.Add(f.location(append(slices.Clone(e.InstanceLocation), name)), "%s", f.unknown)
		}
		return
	}
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			f.explain(cause)
		}
		return
	}
	if secret(f.schema, e.InstanceLocation) {
		f.wrong.Add(f.location(e.InstanceLocation), "is not valid") // the library's message may quote it
		return
	}
	f.wrong.Add(f.location(e.InstanceLocation), "%s", shorten(e.ErrorKind.LocalizedString(english)))
}

func shorten(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}

// location writes a path like the rest of a problem's: settings.from.address,
// settings.hosts[2].
func (f *faults) location(path []string) string {
	var b strings.Builder
	b.WriteString(f.at)
	for _, step := range path {
		if _, err := strconv.Atoi(step); err == nil {
			b.WriteString("[" + step + "]")
		} else {
			b.WriteString("." + step)
		}
	}
	return b.String()
}
