package sdk

import "github.com/carrel-dev/carrel/core/abi"

// Verify reports whether a message is signed with a secret setting, so that a
// webhook is believed without the plugin ever seeing the secret:
//
//	c.Verify(abi.VerifyRequest{Secret: "webhookSecret", Message: c.Body(), MACs: [][]byte{mac}})
//
// A secret that is not set is an error of kind unavailable. Who sends what is
// signed may send it twice, or much later: what must not happen then is the
// plugin's to prevent.
func (c *Ctx) Verify(request abi.VerifyRequest) (bool, error) {
	var response abi.VerifyResponse
	err := ask(abi.OpCryptoVerify, request, &response)
	return response.Valid, err
}
