//go:build wasip1

// Command plain is a guest in plain Go on carrel:host/v1, without an SDK. Its
// input is JSON {"do": …}; see cases.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"time"
	"unsafe"
)

//go:wasmimport carrel:host/v1 write
func hostWrite(ptr unsafe.Pointer, length uint32)

//go:wasmimport carrel:host/v1 call
func hostCall(op uint32) uint64

//go:wasmimport carrel:host/v1 read
func hostRead(ptr unsafe.Pointer, length uint32) uint32

// The same functions with numbers for pointers, to lie with.
//
//go:wasmimport carrel:host/v1 write
func rawWrite(ptr, length uint32)

//go:wasmimport carrel:host/v1 read
func rawRead(ptr, length uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_write
func rawFdWrite(fd, vectors, count, result uint32) uint32

//go:wasmimport wasi_snapshot_preview1 random_get
func rawRandomGet(ptr, length uint32) uint32

func call(op uint32, request []byte) (status uint32, response []byte) {
	if len(request) > 0 {
		hostWrite(unsafe.Pointer(&request[0]), uint32(len(request)))
	}
	r := hostCall(op)
	response = make([]byte, uint32(r))
	if len(response) > 0 {
		hostRead(unsafe.Pointer(&response[0]), uint32(len(response)))
	}
	return uint32(r >> 32), response
}

const opInput, opOutput = 0, 1

func main() {}

//go:wasmexport carrel_abi
func carrelABI() int32 { return 1 }

//go:wasmexport carrel_manifest
func carrelManifest() int32 {
	call(opOutput, []byte(`{"abi":1,"name":"plain"}`))
	return 0
}

type request struct {
	Do   string `json:"do"`
	N    uint32 `json:"n"`
	Ptr  uint32 `json:"ptr"`
	Op   uint32 `json:"op"`
	Name string `json:"name"`
	Data string `json:"data"`
}

// canary is what one call leaves for the next to find.
var (
	canary string
	heap   [][]byte
)

//go:wasmexport carrel_call
func carrelCall() int32 {
	_, input := call(opInput, nil)
	var r request
	if err := json.Unmarshal(input, &r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	out, ok := cases(r, input)
	if !ok {
		return 3
	}
	call(opOutput, out)
	return 0
}

func cases(r request, input []byte) ([]byte, bool) {
	switch r.Do {
	case "greet":
		out, _ := json.Marshal(map[string]string{"greeting": "Hello, " + r.Name})
		return out, true
	case "echo":
		return input, true
	case "silent":
		return nil, false
	case "size":
		return make([]byte, r.N), true
	case "op":
		status, response := call(r.Op, []byte(r.Data))
		return fmt.Appendf(nil, "%d %s", status, response), true
	case "read-twice": // a response read in two parts, and then nothing
		hostWrite(unsafe.Pointer(unsafe.StringData(r.Data)), uint32(len(r.Data)))
		n := uint32(hostCall(r.Op))
		b := make([]byte, n+8)
		first := hostRead(unsafe.Pointer(&b[0]), n/2)
		second := hostRead(unsafe.Pointer(&b[first]), n)
		third := hostRead(unsafe.Pointer(&b[0]), 8)
		return fmt.Appendf(nil, "%d %d %d %s", first, second, third, b[:first+second]), true
	case "raw-write":
		rawWrite(r.Ptr, r.N)
	case "raw-read":
		hostCall(opInput)
		rawRead(r.Ptr, r.N)
	case "raw-fd-write":
		errno := rawFdWrite(1, r.Ptr, r.N, 0)
		return fmt.Appendf(nil, "errno %d", errno), true
	case "raw-random":
		errno := rawRandomGet(r.Ptr, r.N)
		return fmt.Appendf(nil, "errno %d", errno), true
	case "vectors": // one large buffer, many vectors of it
		b := make([]byte, 1<<20)
		vectors := make([]byte, 0, r.N*8)
		for range r.N {
			vectors = binary.LittleEndian.AppendUint32(vectors, uint32(uintptr(unsafe.Pointer(&b[0]))))
			vectors = binary.LittleEndian.AppendUint32(vectors, uint32(len(b)))
		}
		var written uint32
		errno := rawFdWrite(1, uint32(uintptr(unsafe.Pointer(&vectors[0]))), r.N, uint32(uintptr(unsafe.Pointer(&written))))
		return fmt.Appendf(nil, "errno %d written %d", errno, written), true
	case "canary": // answers what an earlier call left
		found := canary
		for _, b := range heap {
			found += string(bytes.Trim(b, "\x00"))
		}
		canary = r.Data
		heap = append(heap, []byte(r.Data))
		return []byte(found), true
	case "scavenge": // looks for an earlier call's bytes in fresh memory
		fresh := make([]byte, 8<<20)
		if bytes.Contains(fresh, []byte(r.Name+r.Data)) {
			return []byte("found"), true
		}
		copy(fresh, r.Name+r.Data)
		heap = append(heap, fresh)
		return []byte("clean"), true
	case "panic":
		panic(r.Data)
	case "exit":
		os.Exit(int(r.N))
	case "loop":
		for {
		}
	case "sleep":
		started := time.Now()
		time.Sleep(time.Duration(r.N) * time.Second)
		return fmt.Appendf(nil, "%d", int(time.Since(started).Seconds())), true
	case "now":
		return []byte(time.Now().UTC().Format(time.RFC3339)), true
	case "clocks":
		return fmt.Appendf(nil, "%d %d", time.Now().UnixNano(), time.Now().UnixNano()), true
	case "random":
		b := make([]byte, r.N)
		rand.Read(b)
		return fmt.Appendf(nil, "%x", b), true
	case "hog":
		debug.SetGCPercent(-1)
		for {
			heap = append(heap, make([]byte, 1<<20))
		}
	case "world": // everything a process would have
		_, readErr := os.ReadFile("/etc/passwd")
		writeErr := os.WriteFile("x", nil, 0o600)
		_, dirErr := os.ReadDir(".")
		n, stdinErr := os.Stdin.Read(make([]byte, 8))
		return fmt.Appendf(nil, "args %d env %d read %v write %v dir %v stdin %d %v", len(os.Args), len(os.Environ()), readErr != nil, writeErr != nil, dirErr != nil, n, stdinErr), true
	case "print":
		fmt.Println("to stdout")
		fmt.Fprint(os.Stderr, "to stderr, no newline")
		return nil, true
	case "flood-log":
		line := bytes.Repeat([]byte("x"), 8<<10)
		for range r.N {
			os.Stdout.Write(append(line, '\n'))
		}
		return nil, true
	}
	return nil, false
}
