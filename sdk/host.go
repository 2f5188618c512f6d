package sdk

import (
	"encoding/json"

	"github.com/carrel-dev/carrel/core/abi"
)

// call asks the host for one operation. The error is the host's *abi.Error,
// unchanged, so that a handler can return it as it is.
func call(op abi.Op, request []byte) ([]byte, error) {
	response, status := hostCall(op, request)
	if status == abi.StatusOK {
		return response, nil
	}
	failure := new(abi.Error)
	if err := json.Unmarshal(response, failure); err != nil {
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
	response, err := call(op, encoded)
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(response, answer)
}
