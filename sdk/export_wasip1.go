package sdk

import "github.com/carrel-dev/carrel/core/abi"

//lint:ignore U1000 the host calls it
//go:wasmexport carrel_abi
func exportABI() int32 { return abi.Version }

//lint:ignore U1000 the host calls it
//go:wasmexport carrel_manifest
func exportManifest() int32 {
	manifest, err := ManifestJSON()
	if err != nil {
		panic("sdk: " + err.Error())
	}
	hostCall(abi.OpOutput, manifest)
	return 0
}

//lint:ignore U1000 the host calls it
//go:wasmexport carrel_call
func exportCall() int32 {
	input, _ := hostCall(abi.OpInput, nil)
	hostCall(abi.OpOutput, serve(input))
	return 0
}
