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
	hostWrite(manifest)
	hostCall(abi.OpOutput)
	return 0
}

//lint:ignore U1000 the host calls it
//go:wasmexport carrel_call
func exportCall() int32 {
	exchange()
	return 0
}

//lint:ignore U1000 the host calls it
//go:wasmexport carrel_warm
func exportWarm() { warm() }
