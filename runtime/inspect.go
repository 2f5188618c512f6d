package runtime

import (
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// Description is what a module says about itself.
type Description struct {
	Imports  []Import // functions
	Exports  []string // functions, in the module's order
	Memory   Memory
	Manifest []byte // the carrel.manifest section, nil without one
	Plugin   bool   // speaks Carrel's ABI: imports carrel:host or exports carrel_call
}

// Import is one function a module imports.
type Import struct{ Module, Name, Signature string }

// Memory is the module's linear memory in bytes. Max is 0 without a maximum.
type Memory struct{ Min, Max int64 }

// Inspect reads a module without compiling or running it. It refuses what cannot
// be read, passes one of wasm.PluginBounds on the way, or has a manifest of more
// than 2 MiB, with an error of kind Invalid; Load checks the rest.
func Inspect(module []byte) (Description, error) {
	const op = "runtime.Inspect"
	m, err := parse(op, module)
	if err != nil {
		return Description{}, err
	}
	d := describe(m)
	if len(d.Manifest) > maxManifest {
		return Description{}, core.E(op, core.Invalid, "The module's manifest has %d bytes; the limit is %d.", len(d.Manifest), maxManifest)
	}
	return d, nil
}

// maxManifest is how many bytes a manifest may have, its pages of documentation
// included. It is read by the server itself.
const maxManifest = 2 << 20

func parse(op string, module []byte) (*wasm.Module, error) {
	m, err := wasm.Parse(module)
	if err != nil {
		return nil, core.E(op, core.Invalid, "The module was refused: %s.", err)
	}
	return m, nil
}

func describe(m *wasm.Module) Description {
	d := Description{}
	for _, i := range m.Imports {
		if i.Kind == wasm.KindFunction {
			d.Imports = append(d.Imports, Import{Module: i.Module, Name: i.Name, Signature: i.Type.String()})
		}
		if strings.HasPrefix(i.Module, hostModulePrefix) {
			d.Plugin = true
		}
	}
	for _, x := range m.Exports {
		if x.Kind == wasm.KindFunction {
			d.Exports = append(d.Exports, x.Name)
		}
		if x.Name == ExportCall {
			d.Plugin = true
		}
	}
	for _, mem := range m.Memories {
		d.Memory.Min = int64(mem.Min) * wasm.PageSize
		if mem.Bounded {
			d.Memory.Max = int64(mem.Max) * wasm.PageSize
		}
	}
	d.Manifest, _ = m.Custom(abi.ManifestSection)
	return d
}

// AttachManifest returns a copy of the module with manifest as its
// carrel.manifest section, in place of the one it had. An error is of kind
// Invalid: these bytes are no module.
func AttachManifest(module, manifest []byte) ([]byte, error) {
	out, err := wasm.WithCustom(module, abi.ManifestSection, manifest)
	if err != nil {
		return nil, core.E("runtime.AttachManifest", core.Invalid, "The module was refused: %s.", err)
	}
	return out, nil
}
