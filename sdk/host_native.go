//go:build !wasip1

package sdk

import (
	"fmt"

	"github.com/carrel-dev/carrel/core/abi"
)

// imports are the functions of carrel:host/v1.
type imports interface {
	write([]byte)
	call(abi.Op) uint64
	read([]byte) uint32
	keep() uint32
	splice(handle uint32)
	recall(handle uint32) uint32
}

// host is what this package's own tests put in the host's place. In any other
// native build there is none: code that touches data is tested in a real
// workspace, see sdk/plugintest.
var host imports

func hostWrite(b []byte) {
	if host != nil {
		host.write(b)
	}
}

func hostCall(op abi.Op) uint64 {
	if host == nil {
		panic(fmt.Sprintf("sdk: operation %d needs a host: this is a native build, run the plugin's module in a workspace instead", op))
	}
	return host.call(op)
}

func hostRead(b []byte) uint32        { return host.read(b) }
func hostKeep() uint32                { return host.keep() }
func hostSplice(handle uint32)        { host.splice(handle) }
func hostRecall(handle uint32) uint32 { return host.recall(handle) }
