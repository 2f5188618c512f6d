//go:build wasip1 && !carrel

package main

import pdk "github.com/extism/go-pdk"

func input() []byte { return pdk.Input() }

func output(b []byte) { pdk.Output(b) }
