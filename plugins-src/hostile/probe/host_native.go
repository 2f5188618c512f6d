//go:build !wasip1

package main

import "github.com/carrel-dev/carrel/core/abi"

// hostCall exists in a module only.
func hostCall(abi.Op, []byte) ([]byte, uint32) { panic("probe: not in a module") }
