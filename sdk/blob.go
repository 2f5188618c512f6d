package sdk

import "github.com/carrel-dev/carrel/core/abi"

// PutBlob keeps bytes, 1 to 8 MiB, beside the documents of this plugin in this
// workspace: a picture, a file somebody uploaded. They are found again under their
// digest, which is for a field of a document; nobody else finds them. From
// mutations; 16 MiB in a call. A mutation that fails keeps nothing, and the same
// bytes twice are one blob, with the media type that came first.
//
// It fails with quota_exceeded (see IsQuotaExceeded) when the workspace has no more
// room for blobs.
func (c *Ctx) PutBlob(data []byte, mediaType string) (abi.Blob, error) {
	var kept abi.Blob
	err := ask(abi.OpBlobPut, abi.PutBlobRequest{Data: data, Type: mediaType}, &kept)
	return kept, err
}

// Blob returns a blob with its bytes, from queries and mutations. An error of kind
// not_found means that this plugin keeps none with the digest in this workspace;
// unavailable, that the server can't read it or that it is damaged: then the whole
// call fails.
func (c *Ctx) Blob(digest string) (abi.Blob, error) {
	var kept abi.Blob
	err := ask(abi.OpBlobGet, abi.GetBlobRequest{Digest: digest}, &kept)
	return kept, err
}
