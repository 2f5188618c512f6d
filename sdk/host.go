package sdk

import (
	"encoding/json"

	"github.com/carrel-dev/carrel/core/abi"
)

// response is what the host answered to one operation. Its bytes stay with the
// host until somebody looks at them: a handler that passes a response on never
// copies it.
type response struct {
	size   uint32
	handle uint32 // what the host keeps it under; 0: it doesn't
	bytes  []byte // nil: still with the host
}

// passthrough is an answer that is JSON already.
type passthrough interface{ passthrough() *response }

// current is the response the host has at hand. Its next one takes the place.
var current *response

// ofBytes is a response whose bytes are here.
func ofBytes(b []byte) *response { return &response{size: uint32(len(b)), bytes: b} }

// read returns the bytes. They may be part of others: nobody writes to them.
func (r *response) read() []byte {
	if r == nil {
		return nil
	}
	if r.bytes == nil {
		if r != current {
			settle()
			hostRecall(r.handle)
		}
		r.fetch()
	}
	return r.bytes
}

// fetch copies the bytes the host has at hand.
func (r *response) fetch() {
	r.bytes = make([]byte, r.size)
	for filled := uint32(0); filled < r.size; {
		n := hostRead(r.bytes[filled:])
		if n == 0 {
			panic("sdk: the host promised more bytes than it has")
		}
		filled += n
	}
}

// send appends the bytes to the request, from wherever they are.
func (r *response) send() {
	if r == nil {
		return
	}
	if r == current && r.bytes == nil {
		settle()
	}
	if r.bytes != nil {
		hostWrite(r.bytes)
	} else {
		hostSplice(r.handle)
	}
}

// settle makes room for the host's next response. What nobody has read is kept
// there; only if the host keeps no more, it is copied.
func settle() {
	r := current
	current = nil
	if r == nil || r.bytes != nil || r.handle != 0 {
		return
	}
	if r.handle = hostKeep(); r.handle == 0 {
		r.fetch()
	}
}

// perform has the host do an operation with the request written so far.
func perform(op abi.Op) (r *response, status uint32) {
	result := hostCall(op)
	r = &response{size: uint32(result)}
	if r.size == 0 {
		r.bytes = []byte{}
	}
	current = r
	return r, uint32(result >> 32)
}

// call asks the host for one operation. The error is the host's *abi.Error,
// unchanged, so that a handler can return it as it is.
func call(op abi.Op, request []byte) (*response, error) {
	settle()
	hostWrite(request)
	r, status := perform(op)
	if status == abi.StatusOK {
		return r, nil
	}
	failure := new(abi.Error)
	if err := json.Unmarshal(r.read(), failure); err != nil {
		return nil, &abi.Error{Kind: kindInternal, Message: "The host reported an error that cannot be read."}
	}
	return nil, failure
}

// ask is call with a value to encode and, unless answer is nil, one to decode.
func ask(op abi.Op, request, answer any) error {
	encoded, err := json.Marshal(request)
	if err != nil {
		return err
	}
	return tell(op, encoded, answer)
}

// tell is ask with a request that is JSON already.
func tell(op abi.Op, request []byte, answer any) error {
	r, err := call(op, request)
	switch {
	case err != nil:
		return err
	case answer == nil:
		current = nil // nobody will read it
		return nil
	default:
		return json.Unmarshal(r.read(), answer)
	}
}
