package jsonschema

import (
	"errors"
	"regexp"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carrel-dev/carrel/core"
)

// Bounds of one check. They are far above any settings people have, and keep
// the worst schema an author can publish with the worst settings a workspace
// can send below a second.
const (
	maxSettings = 64 << 10 // bytes of JSON
	maxWork     = 500_000  // parts of the schema times values in the settings: each may meet each
	maxSteps    = 16 << 20 // instructions of a pattern times bytes it is matched with
	compileCost = 16       // steps an instruction costs before the first byte
)

var errWork = errors.New("the patterns are too much work")

// steps is what the patterns of one check may still cost.
type steps struct{ left int }

// spend takes a cost off, and reports whether it could be paid.
func (s *steps) spend(cost int) bool {
	s.left -= cost
	return s.left >= 0
}

// compile is the library's way to patterns: those of the schema, and the
// settings that have to be patterns themselves.
func (s *steps) compile(pattern string) (jsonschema.Regexp, error) {
	size, err := core.PatternSize(pattern)
	if err != nil {
		return nil, err
	}
	if !s.spend(compileCost * size) {
		return nil, errWork
	}
	compiled, err := regexp.Compile(pattern)
	return metered{compiled, size, s}, err
}

// metered is a pattern that pays for its matches. Without the means it matches
// nothing; whoever checks looks at steps afterwards.
type metered struct {
	*regexp.Regexp
	size  int
	steps *steps
}

// MatchString implements jsonschema.Regexp.
func (m metered) MatchString(text string) bool {
	return m.steps.spend(m.size*(len(text)+1)) && m.Regexp.MatchString(text)
}

// valuesIn counts the values of a JSON document, and the names of its members,
// which a schema can look at like values.
func valuesIn(value any) int {
	n := 1
	switch value := value.(type) {
	case map[string]any:
		n += len(value)
		for _, inner := range value {
			n += valuesIn(inner)
		}
	case []any:
		for _, inner := range value {
			n += valuesIn(inner)
		}
	}
	return n
}
