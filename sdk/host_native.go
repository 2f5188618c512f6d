//go:build !wasip1

package sdk

import (
	"fmt"

	"github.com/carrel-dev/carrel/core/abi"
)

// hostCall is the native build's: there is no host to ask. Code that touches
// data is tested in a real workspace, see sdk/plugintest.
func hostCall(op abi.Op, _ []byte) (response []byte, status uint32) {
	panic(fmt.Sprintf("sdk: operation %d needs a host: this is a native build, run the plugin's module in a workspace instead", op))
}
