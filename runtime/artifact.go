package runtime

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// artifact is what ingest makes of a module: all that is needed to run it. It
// is made in a child process, sealed into the cache, and depends on nothing but
// the module, this package and the machine: two nodes make the same image.
type artifact struct {
	header
	module []byte // woven, detached from its start-up unless it is plain; the shell of it if there is code
	code   []byte // wazero's cache file; empty for the interpreter
	pages  []byte // the image's extents, one after the other
}

// header is the part of an artifact that is JSON.
type header struct {
	Made     string        `json:"made"` // by which engine, see Engine.made
	Report   Report        `json:"report"`
	CodeName string        `json:"codeName"` // wazero's name of a cache file of module
	Clock    uint64        `json:"clock"`    // nanoseconds of the guest's clock that start-up took
	Memory   int64         `json:"memory"`   // bytes of the image
	Extents  []extent      `json:"extents"`
	Globals  []globalValue `json:"globals"`
}

// extent is a range of the image that is not zero.
type extent struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// globalValue is a mutable global after start-up, under its exported name.
type globalValue struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

// extentGrain is the size of the zero runs that an image leaves out, in bytes.
const extentGrain = 4096

// setMemory makes memory the artifact's image.
func (a *artifact) setMemory(memory []byte) {
	a.Memory = int64(len(memory))
	zero := make([]byte, extentGrain)
	for at := 0; at < len(memory); at += extentGrain {
		page := memory[at:min(at+extentGrain, len(memory))]
		if bytes.Equal(page, zero[:len(page)]) {
			continue
		}
		a.pages = append(a.pages, page...)
		if n := len(a.Extents); n > 0 && a.Extents[n-1].Offset+a.Extents[n-1].Length == int64(at) {
			a.Extents[n-1].Length += int64(len(page))
			continue
		}
		a.Extents = append(a.Extents, extent{int64(at), int64(len(page))})
	}
	a.Report.Image, a.Report.Touched = a.Memory, int64(len(a.pages))
}

// memory returns the image.
func (a *artifact) memory() ([]byte, error) {
	if a.Memory < 0 || a.Memory > wasm.PageSize<<16 {
		return nil, errArtifact
	}
	memory := make([]byte, a.Memory)
	pages := a.pages
	for _, e := range a.Extents {
		if e.Offset < 0 || e.Length < 0 || e.Length > int64(len(pages)) || e.Offset > a.Memory-e.Length {
			return nil, errArtifact
		}
		copy(memory[e.Offset:], pages[:e.Length])
		pages = pages[e.Length:]
	}
	return memory, nil
}

var errArtifact = errors.New("the artifact is damaged")

// encode writes header, module, code and pages, each after its length.
func (a *artifact) encode() ([]byte, error) {
	head, err := json.Marshal(a.header)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{head, a.module, a.code, a.pages}
	size := 0
	for _, part := range parts {
		size += 8 + len(part)
	}
	out := make([]byte, 0, size)
	for _, part := range parts {
		out = binary.LittleEndian.AppendUint64(out, uint64(len(part)))
		out = append(out, part...)
	}
	return out, nil
}

// decodeArtifact reads what encode wrote; the artifact keeps b.
func decodeArtifact(b []byte) (*artifact, error) {
	var parts [4][]byte
	for i := range parts {
		if len(b) < 8 {
			return nil, errArtifact
		}
		n := binary.LittleEndian.Uint64(b)
		if b = b[8:]; n > uint64(len(b)) {
			return nil, errArtifact
		}
		parts[i], b = b[:n:n], b[n:]
	}
	a := &artifact{module: parts[1], code: parts[2], pages: parts[3]}
	if err := json.Unmarshal(parts[0], &a.header); err != nil || len(b) > 0 {
		return nil, errors.Join(errArtifact, err)
	}
	return a, nil
}
