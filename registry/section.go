package registry

import (
	"bytes"
	"encoding/binary"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// maxManifest bounds a manifest, in bytes.
const maxManifest = 1 << 20

// moduleHeader begins every core WebAssembly module of version 1; a component
// has another version.
var moduleHeader = []byte("\x00asm\x01\x00\x00\x00")

// manifestSection returns the contents of a module's one manifest section. It
// walks the sections and reads nothing else of them: the Checker does.
func manifestSection(module []byte) ([]byte, error) {
	const op = "registry.Publish"
	rest, ok := bytes.CutPrefix(module, moduleHeader)
	if !ok {
		return nil, core.E(op, core.Invalid,
			"This is not a WebAssembly module (version 1). Publish the .wasm file that carrel plugin build wrote.")
	}
	var manifest []byte
	for len(rest) > 0 {
		id := rest[0]
		body, after, ok := cutSized(rest[1:])
		if !ok {
			return nil, core.E(op, core.Invalid,
				"The module ends in the middle of a section, %d bytes from its end: it was cut. Build or send it again.", len(rest))
		}
		rest = after
		if id != 0 {
			continue
		}
		name, content, ok := cutSized(body)
		if !ok {
			return nil, core.E(op, core.Invalid, "The module has a custom section with a broken name. Build it again.")
		}
		if string(name) != abi.ManifestSection {
			continue
		}
		if manifest != nil {
			return nil, core.E(op, core.Invalid,
				"The module has more than one section %s, so what it declares is "+
					"ambiguous. Build it again with carrel plugin build.", abi.ManifestSection)
		}
		manifest = content
	}
	switch {
	case len(manifest) == 0:
		return nil, core.E(op, core.Invalid,
			"The module has no manifest (section %s). Attach it with carrel plugin build.", abi.ManifestSection)
	case len(manifest) > maxManifest:
		return nil, core.E(op, core.TooLarge,
			"The manifest has %d bytes; up to %d are taken. Shorten its documentation.", len(manifest), maxManifest)
	}
	return manifest, nil
}

// cutSized cuts a run of bytes that begins with its length (LEB128, 32 bits).
func cutSized(b []byte) (run, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || n > 5 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	return b[n : n+int(size)], b[n+int(size):], true
}
