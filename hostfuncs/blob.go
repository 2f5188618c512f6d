package hostfuncs

import (
	"context"
	"mime"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var blobOperations = []Operation{
	{abi.OpBlobPut, "blob.put", abi.CapabilityBlobs, mutations, "Keep bytes under their SHA-256.", with(blobPut)},
	{abi.OpBlobGet, "blob.get", abi.CapabilityBlobs, inUnit, "Read bytes that were kept.", with(blobGet)},
}

const maxMediaType = 200 // bytes

func blobPut(ctx context.Context, h *Host, r abi.PutBlobRequest) (abi.Blob, error) {
	const op = "blob.put"
	switch {
	case len(r.Data) == 0:
		return abi.Blob{}, place(op, "data", "must have at least one byte")
	case len(r.Data) > core.MaxBlob:
		return abi.Blob{}, core.E(op, core.TooLarge, "A blob has at most %d bytes, and this one has %d.", core.MaxBlob, len(r.Data))
	}
	if r.Type == "" {
		r.Type = "application/octet-stream"
	}
	if _, _, err := mime.ParseMediaType(r.Type); err != nil || !printable(r.Type) || len(r.Type) > maxMediaType {
		return abi.Blob{}, place(op, "type", "must be a media type, such as image/png")
	}
	limit, limited := h.b.Plan.Quota(core.MeterBlobs)
	if !limited {
		limit = core.DefaultBlobQuota
	}
	blob, err := h.b.Unit.PutBlob(ctx, r.Data, r.Type, limit)
	return blobOf(blob, nil), err
}

// printable reports whether a text may stand in a header.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}

// blobGet answers what this plugin has put in this workspace. What anybody else has
// put is as unknown to it as what nobody has.
func blobGet(ctx context.Context, h *Host, r abi.GetBlobRequest) (abi.Blob, error) {
	const op = "blob.get"
	if !core.ValidDigest(r.Digest) {
		return abi.Blob{}, place(op, "digest", "must be one that blob.put answered: sha256: and 64 digits of 0-9 and a-f")
	}
	blob, data, err := h.b.Unit.Blob(ctx, core.Digest(r.Digest))
	if core.KindOf(err) == core.Unavailable && h.b.Log != nil {
		h.b.Log(abi.LogRequest{Level: "error", Message: core.MessageOf(err), Fields: map[string]any{"digest": r.Digest}})
	}
	return blobOf(blob, data), err
}

func blobOf(b core.Blob, data []byte) abi.Blob {
	return abi.Blob{Digest: string(b.Digest), Type: b.Type, Size: b.Size, Data: data}
}
