package hostfuncs_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

func macOf(key, message string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

// TestAttack50_OnlyWhoKnowsTheSecretIsBelieved: a message is believed with the
// HMAC of its every byte and this installation's secret, and nothing else.
func TestAttack50_OnlyWhoKnowsTheSecretIsBelieved(t *testing.T) {
	b := newBench(t)
	secrets := map[string]string{"hook": "a secret of acme's", "standard": "whsec_YSBrZXk=", "deep.key": "another", "rubbish": "whsec_!", "empty": ""}
	declared := *manifest
	declared.Settings = json.RawMessage(`{"type":"object","properties":{
		"hook":{"type":"string","secret":true},"standard":{"type":"string","secret":true},"rubbish":{"type":"string","secret":true},
		"empty":{"type":"string","secret":true},"deep":{"type":"object","properties":{"key":{"type":"string","secret":true}}},
		"smtp":{"type":"object","properties":{"password":{"type":"string","secret":true}}},"open":{"type":"string"}}}`)
	h := b.bind(abi.KindMutation, func(b *hostfuncs.Binding) {
		b.Manifest = &declared
		b.Secret = func(path ...string) (core.Secret, error) { return core.Secret(secrets[strings.Join(path, ".")]), nil }
	})
	request := func(r abi.VerifyRequest) string {
		encoded, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	good := macOf(secrets["hook"], "message")
	changed := append([]byte{good[0] ^ 1}, good[1:]...)
	for name, one := range map[string]struct {
		r    abi.VerifyRequest
		want string
	}{
		"right":                 {abi.VerifyRequest{Secret: "hook", Message: []byte("message"), MACs: [][]byte{good}}, `{"valid":true}`},
		"one of several":        {abi.VerifyRequest{Secret: "hook", Message: []byte("message"), MACs: [][]byte{changed, good, nil}}, `{"valid":true}`},
		"another message":       {abi.VerifyRequest{Secret: "hook", Message: []byte("message "), MACs: [][]byte{good}}, `{"valid":false}`},
		"changed":               {abi.VerifyRequest{Secret: "hook", Message: []byte("message"), MACs: [][]byte{changed}}, `{"valid":false}`},
		"cut":                   {abi.VerifyRequest{Secret: "hook", Message: []byte("message"), MACs: [][]byte{good[:16]}}, `{"valid":false}`},
		"longer":                {abi.VerifyRequest{Secret: "hook", Message: []byte("message"), MACs: [][]byte{append(good[:32:32], 0)}}, `{"valid":false}`},
		"unsigned":              {abi.VerifyRequest{Secret: "hook", Message: []byte("message")}, `{"valid":false}`},
		"another secret":        {abi.VerifyRequest{Secret: "deep.key", Message: []byte("message"), MACs: [][]byte{good}}, `{"valid":false}`},
		"a secret inside":       {abi.VerifyRequest{Secret: "deep.key", Message: []byte("m"), MACs: [][]byte{macOf("another", "m")}}, `{"valid":true}`},
		"a key in base64":       {abi.VerifyRequest{Secret: "standard", KeyFormat: "base64", Message: []byte("m"), MACs: [][]byte{macOf("a key", "m")}}, `{"valid":true}`},
		"the same, as it is":    {abi.VerifyRequest{Secret: "standard", Message: []byte("m"), MACs: [][]byte{macOf("whsec_YSBrZXk=", "m")}}, `{"valid":true}`},
		"not by what it is not": {abi.VerifyRequest{Secret: "standard", KeyFormat: "base64", Message: []byte("m"), MACs: [][]byte{macOf("whsec_YSBrZXk=", "m")}}, `{"valid":false}`},
	} {
		if got := h.ask(t, abi.OpCryptoVerify, request(one.r)); got != one.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	h.refuse(t, abi.OpCryptoVerify, `{"secret":"open"}`, core.Invalid, "secret")
	h.refuse(t, abi.OpCryptoVerify, `{"secret":"deep"}`, core.Invalid, "secret")
	h.refuse(t, abi.OpCryptoVerify, `{"secret":"gone.key"}`, core.Invalid, "secret")
	h.refuse(t, abi.OpCryptoVerify, `{"secret":""}`, core.Invalid, "secret")
	h.refuse(t, abi.OpCryptoVerify, `{"secret":"smtp.password"}`, core.Invalid, "mail server")
	h.refuse(t, abi.OpCryptoVerify, `{"secret":"hook","keyFormat":"hex"}`, core.Invalid, "keyFormat")
	h.refuse(t, abi.OpCryptoVerify, `{"secret":"hook","macs":["","","","","","","","","","",""]}`, core.Invalid, "macs")
	h.refuse(t, abi.OpCryptoVerify, request(abi.VerifyRequest{Secret: "hook", Message: make([]byte, 1<<20+1)}), core.TooLarge, "1048576")
	// An empty key is everybody's.
	h.refuse(t, abi.OpCryptoVerify, request(abi.VerifyRequest{Secret: "empty", Message: []byte("m"), MACs: [][]byte{macOf("", "m")}}), core.Unavailable, "empty")
	h.refuse(t, abi.OpCryptoVerify, request(abi.VerifyRequest{Secret: "rubbish", KeyFormat: "base64", Message: []byte("m")}), core.Unavailable, "base64")
	b.bind(abi.KindQuery, func(b *hostfuncs.Binding) { b.Manifest = &declared }).
		refuse(t, abi.OpCryptoVerify, `{"secret":"hook"}`, core.Denied, "no secrets")
}
