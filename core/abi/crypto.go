package abi

// VerifyRequest asks whether one of MACs is the HMAC-SHA256 of Message, made with
// a secret setting of the installation as the key: who sends a webhook shows that
// way that they know it. The plugin never sees the key.
//
// Secret is the setting's dotted path; the manifest marks it secret. Its text is
// the key, or with KeyFormat "base64" the bytes that the text behind its last "_"
// stands for (Standard Webhooks: "whsec_…"). Message has at most 1 MiB, and there
// are at most 10 MACs: senders that change their key send one of each.
type VerifyRequest struct {
	Secret    string   `json:"secret"`
	KeyFormat string   `json:"keyFormat,omitempty"` // text, the default, or base64
	Message   []byte   `json:"message"`
	MACs      [][]byte `json:"macs"`
}

// VerifyResponse answers it.
type VerifyResponse struct {
	Valid bool `json:"valid"`
}
