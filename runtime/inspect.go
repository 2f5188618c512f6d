package runtime

// Description is what a module says about itself.
type Description struct {
	Imports  []Import
	Exports  []string // functions, in the module's order
	Memory   Memory
	Manifest []byte // the carrel.manifest section, nil without one
	Plugin   bool   // speaks Carrel's ABI (imports carrel:host or exports carrel_call)
}

// Import is one function a module imports.
type Import struct{ Module, Name, Signature string }

// Memory is the module's linear memory in bytes. Max is 0 without a maximum.
type Memory struct{ Min, Max int64 }

// Inspect reads a module without compiling or running it.
func Inspect(module []byte) (Description, error) { return Description{}, nil }

// AttachManifest returns the module with manifest as its carrel.manifest
// section, in place of the one it had.
func AttachManifest(module, manifest []byte) ([]byte, error) { return module, nil }
