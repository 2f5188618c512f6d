//go:build wasip1

// Command pdk is a guest on Extism's Go PDK.
package main

import (
	"errors"
	"fmt"

	pdk "github.com/extism/go-pdk"
)

func main() {}

//go:wasmexport echo
func echo() int32 {
	pdk.Output(pdk.Input())
	return 0
}

//go:wasmexport greet
func greet() int32 {
	var in struct {
		Name string `json:"name"`
	}
	if err := pdk.InputJSON(&in); err != nil {
		pdk.SetError(err)
		return 1
	}
	greeting, ok := pdk.GetConfig("greeting")
	if !ok {
		greeting = "Hello"
	}
	if err := pdk.OutputJSON(map[string]string{"greeting": greeting + ", " + in.Name}); err != nil {
		pdk.SetError(err)
		return 1
	}
	return 0
}

//go:wasmexport fail
func fail() int32 {
	pdk.SetError(errors.New("no such luck"))
	return 1
}

// count adds one to a variable: a second call starts from nothing.
//
//go:wasmexport count
func count() int32 {
	n := 0
	if b := pdk.GetVar("n"); b != nil {
		n = pdk.GetVarInt("n")
	}
	pdk.SetVarInt("n", n+1)
	pdk.OutputString(fmt.Sprint(pdk.GetVarInt("n")))
	pdk.RemoveVar("n")
	return 0
}

//go:wasmexport chatter
func chatter() int32 {
	pdk.Log(pdk.LogDebug, "a debug line")
	pdk.Log(pdk.LogInfo, "an info line")
	pdk.Log(pdk.LogWarn, "a warning")
	pdk.Log(pdk.LogError, "an error")
	return 0
}

// fetch gets the input as a URL.
//
//go:wasmexport fetch
func fetch() int32 {
	request := pdk.NewHTTPRequest(pdk.MethodPost, pdk.InputString()).SetHeader("x-test", "yes").SetBody([]byte("body"))
	response := request.Send()
	pdk.OutputString(fmt.Sprintf("%d %s %s", response.Status(), response.Headers()["x-answer"], response.Body()))
	return 0
}

// forged answers what handles hold that nobody gave out, and whether writing
// and freeing them changed what was.
//
//go:wasmexport forged
func forged() int32 {
	own := pdk.AllocateString("mine")
	var sum uint64
	for _, handle := range []uint64{0, 1, 8, own.Offset() - 8, 1 << 20, 1 << 40, 1<<63 - 1, 1<<64 - 8, 1<<64 - 1} {
		m := pdk.FindMemory(handle)
		sum += m.Length()
		fake := pdk.NewMemory(handle, 8)
		for _, b := range fake.ReadBytes() {
			sum += uint64(b)
		}
		fake.Store([]byte("FORGED!!"))
		for _, b := range fake.ReadBytes() {
			sum += uint64(b)
		}
		fake.Free()
	}
	inside := pdk.NewMemory(own.Offset()+1, 1)
	inside.Free()
	pdk.OutputString(fmt.Sprintf("%d %s %d", sum, own.ReadBytes(), own.Length()))
	return 0
}

// steal sets a range nobody gave out as the output.
//
//go:wasmexport steal
func steal() int32 {
	pdk.OutputMemory(pdk.NewMemory(1<<64-16, 64))
	return 0
}

// hoard allocates host memory until it is stopped.
//
//go:wasmexport hoard
func hoard() int32 {
	for {
		pdk.Allocate(1 << 20)
	}
}

// churn allocates and frees much more than the limit, one block at a time.
//
//go:wasmexport churn
func churn() int32 {
	for i := range 10_000 {
		m := pdk.AllocateBytes(make([]byte, 1+i%5000))
		m.Free()
	}
	pdk.OutputString("done")
	return 0
}

//go:wasmexport crash
func crash() int32 {
	var p *int
	return int32(*p)
}
