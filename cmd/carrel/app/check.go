package app

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime"
)

// Checker says whether a module is a plugin, by loading it as it would be run.
type Checker struct{ Engine *runtime.Engine }

// Check implements registry.Checker: the module loads, carries a manifest, and
// its code declares the same one.
func (c Checker) Check(ctx context.Context, module []byte) (m abi.Manifest, err error) {
	const op = "app.Check"
	description, err := runtime.Inspect(module)
	if err != nil {
		return m, err
	}
	if description.Manifest == nil {
		return m, core.E(op, core.Invalid,
			"The module carries no manifest. Build it with `carrel plugin build`, which attaches one.")
	}
	if m, err = core.DecodeManifest(op, description.Manifest); err != nil {
		return m, core.E(op, core.Invalid, "The module's manifest can't be read. %s", core.MessageOf(err))
	}
	if err := core.CheckManifest(m); err != nil {
		return m, err
	}
	loaded, err := c.Engine.LoadBytes(ctx, module)
	if err != nil {
		return m, err
	}
	declared, err := c.Engine.Manifest(ctx, loaded)
	if err != nil || declared == nil {
		return m, err
	}
	var inCode abi.Manifest
	if err := json.Unmarshal(declared, &inCode); err != nil {
		return m, core.E(op, core.Invalid, "The manifest the module's code declares can't be read: %v.", err)
	}
	if !sameJSON(m, inCode) {
		return m, core.E(op, core.Invalid,
			"The manifest attached to the module is not the one its code declares. Build it again with `carrel plugin build`.")
	}
	return m, nil
}

func sameJSON(a, b abi.Manifest) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
