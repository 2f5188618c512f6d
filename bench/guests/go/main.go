//go:build wasip1

// Command go is the benchmark's guest in plain Go: the same functions once over
// Extism's PDK and once, with the build tag carrel, over carrel:host/v1.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"runtime"
)

func main() {}

//go:wasmexport empty
func empty() int32 { return 0 }

type order struct {
	Customer string `json:"customer"`
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
	Price    int    `json:"price"`
}

type receipt struct {
	Customer string `json:"customer"`
	Total    int    `json:"total"`
	OK       bool   `json:"ok"`
}

//go:wasmexport json
func jsonCall() int32 {
	answer, err := sell(input())
	if err != nil {
		return 1
	}
	output(answer)
	return 0
}

func sell(body []byte) ([]byte, error) {
	var o order
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, err
	}
	return json.Marshal(receipt{Customer: o.Customer, Total: o.Quantity * o.Price, OK: true})
}

//go:wasmexport echo
func echo() int32 {
	output(input())
	return 0
}

// sha256Call hashes 1 MB of 32-bit numbers that count up from the input's.
//
//go:wasmexport sha256
func sha256Call() int32 {
	first := binary.LittleEndian.Uint32(input())
	b := make([]byte, 1<<20)
	for i := range uint32(len(b) / 4) {
		binary.LittleEndian.PutUint32(b[4*i:], first+i)
	}
	sum := sha256.Sum256(b)
	output(sum[:])
	return 0
}

// warm is called once, when a module's image is taken. It does what an SDK's
// does: it fills the caches of encoding/json for the types there are, lets the
// heap have the size calls will need, collects, lets what waited to run run,
// and rehearses on the heap that calls will find.
//
//go:wasmexport carrel_warm
func warm() {
	rehearse()
	big = make([]byte, 4<<20)
	big = nil
	runtime.GC()
	runtime.Gosched()
	rehearse()
	rehearse()
}

func rehearse() {
	_, _ = sell([]byte(`{"customer":"nobody","item":"nothing","quantity":1,"price":1}`))
}

var big []byte // keeps the compiler from leaving the allocation out
