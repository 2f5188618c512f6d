package core

import (
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// PluginID names a plugin: `publisher/name`. A registry gives a name to one
// publisher only, so the name alone finds it.
type PluginID struct {
	Publisher string
	Name      string
}

// String returns `publisher/name`.
func (p PluginID) String() string { return p.Publisher + "/" + p.Name }

// Digest is the SHA-256 of a module's bytes, `sha256:` and 64 hexadecimal digits.
type Digest string

// Release is an immutable version of a plugin: a manifest and a module.
type Release struct {
	Plugin    PluginID
	Version   string
	Digest    Digest // of the module
	Size      int64  // of the module, bytes
	Manifest  abi.Manifest
	Published time.Time
	Yanked    bool // no new installations
}
