package abi

// PutBlobRequest keeps bytes, 1 to 8 MiB, under their SHA-256: for this plugin in
// this workspace, in the unit of work. Bytes that are kept already stay as they
// are, with the type they came with first. Type is a media type,
// application/octet-stream when it is empty.
type PutBlobRequest struct {
	Data []byte `json:"data"`
	Type string `json:"type,omitempty"`
}

// GetBlobRequest asks for the bytes with a digest that PutBlobRequest answered.
type GetBlobRequest struct {
	Digest string `json:"digest"`
}

// Blob is bytes a plugin keeps. Data is there when they were asked for.
type Blob struct {
	Digest string `json:"digest"` // "sha256:" and 64 hexadecimal digits
	Type   string `json:"type"`
	Size   int64  `json:"size"` // in bytes
	Data   []byte `json:"data,omitempty"`
}
