package sdk

import "github.com/carrel-dev/carrel/core/abi"

//go:wasmexport carrel_abi
func exportABI() int32 { return abi.Version }

//go:wasmexport carrel_manifest
func exportManifest() int32 {
	manifest, err := ManifestJSON()
	if err != nil {
		panic("sdk: " + err.Error())
	}
	hostCall(abi.OpOutput, manifest)
	return 0
}

//go:wasmexport carrel_call
func exportCall() int32 {
	input, _ := hostCall(abi.OpInput, nil)
	hostCall(abi.OpOutput, serve(input))
	return 0
}
