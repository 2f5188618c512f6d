package core

import (
	"log/slog"
	"strings"
)

// Secret is a text that is used and never shown: formatted, logged or encoded
// it is a row of dots.
type Secret string

const dots = "•••"

// String implements fmt.Stringer.
func (Secret) String() string { return dots }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return dots }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(dots) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(dots), nil }

// Reveal returns the text, for whoever has to use it.
func (s Secret) Reveal() string { return string(s) }

// SecretPlace is where a secret setting is. A sealed one opens there only.
type SecretPlace struct {
	Workspace    WorkspaceID
	Installation InstallationID
	Path         []string // the names of the properties it is in
}

// String is the setting's dotted path.
func (p SecretPlace) String() string { return strings.Join(p.Path, ".") }
