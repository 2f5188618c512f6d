package core

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"time"
)

// What the blobs of a workspace may take.
const (
	MaxBlob = 8 << 20 // bytes of one

	// MinBlobCounted is what a smaller one counts for: each has a row and an object,
	// whatever its size.
	MinBlobCounted = 16 << 10

	// DefaultBlobQuota is what those of a workspace may count for together, in bytes,
	// when its plan has no quota of MeterBlobs.
	DefaultBlobQuota = 1 << 30

	MeterBlobs = "core.blobs" // bytes, of all plugins of a workspace
)

// Blob is bytes that one plugin keeps in one workspace, under what they are. The
// same bytes of another plugin, or in another workspace, are another blob.
type Blob struct {
	Plugin  PluginID
	Digest  Digest // of the bytes
	Size    int64  // of the bytes
	Type    string // media type
	Created time.Time

	// Object tells the blob's object from those of units of work that failed: no
	// unit but the one that wrote an object ever refers to it, so that those nobody
	// refers to can be removed while others write the same bytes.
	Object string
}

// NewBlob is a blob of these bytes, which nobody has written yet.
func NewBlob(plugin PluginID, data []byte, mediaType string, now time.Time) Blob {
	var object [8]byte
	rand.Read(object[:]) //nolint:errcheck // it never fails
	return Blob{Plugin: plugin, Digest: DigestOf(data), Size: int64(len(data)), Type: mediaType, Created: now, Object: hex.EncodeToString(object[:])}
}

// Counted is what the blob takes from its workspace's quota, in bytes.
func (b Blob) Counted() int64 { return max(b.Size, MinBlobCounted) }

// Key names the blob's object: workspace/publisher/plugin/digest-object, the digest
// in hexadecimal. What begins the same is of the same owner.
func (b Blob) Key(ws WorkspaceID) string {
	return BlobPrefix(ws, b.Plugin) + strings.TrimPrefix(string(b.Digest), digestPrefix) + "-" + b.Object
}

// BlobPrefix begins the keys of a plugin's blobs in a workspace; of all of the
// workspace's, without a plugin.
func BlobPrefix(ws WorkspaceID, plugin PluginID) string {
	if plugin == (PluginID{}) {
		return string(ws) + "/"
	}
	return string(ws) + "/" + plugin.Publisher + "/" + plugin.Name + "/"
}

// IsBytes reports whether data is the blob's.
func (b Blob) IsBytes(data []byte) bool {
	return int64(len(data)) == b.Size && DigestOf(data) == b.Digest
}

var keyPattern = regexp.MustCompile(`^(ws_[0-9a-f-]{36})/([a-z][a-z0-9-]*)/([a-z][a-z0-9-]*)/[0-9a-f]{64}-[0-9a-f]{16}$`)

// OwnerOfBlob says whose a key is; ok is false of what is no key.
func OwnerOfBlob(key string) (ws WorkspaceID, plugin PluginID, ok bool) {
	parts := keyPattern.FindStringSubmatch(key)
	if parts == nil {
		return "", PluginID{}, false
	}
	return WorkspaceID(parts[1]), PluginID{Publisher: parts[2], Name: parts[3]}, true
}

const digestPrefix = "sha256:"

// DigestOf is the digest of bytes.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest(digestPrefix + hex.EncodeToString(sum[:]))
}

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// ValidDigest reports whether s is a digest in the one spelling they have.
func ValidDigest(s string) bool { return digestPattern.MatchString(s) }
