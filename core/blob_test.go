package core_test

import (
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

func TestBlobKeys(t *testing.T) {
	ws, plugin := core.NewWorkspaceID(), core.PluginID{Publisher: "acme", Name: "crm"}
	one := core.NewBlob(plugin, []byte("hello"), "text/plain", time.Now())
	again := core.NewBlob(plugin, []byte("hello"), "text/plain", time.Now())
	if one.Digest != "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" || one.Digest != again.Digest {
		t.Errorf("digests %s and %s", one.Digest, again.Digest)
	}
	if one.Key(ws) == again.Key(ws) {
		t.Error("two units of work write the same object")
	}
	if owner, of, ok := core.OwnerOfBlob(one.Key(ws)); !ok || owner != ws || of != plugin {
		t.Errorf("%s is of %s, %v, %t", one.Key(ws), owner, of, ok)
	}
	if !strings.HasPrefix(one.Key(ws), core.BlobPrefix(ws, plugin)) || !strings.HasPrefix(one.Key(ws), core.BlobPrefix(ws, core.PluginID{})) {
		t.Errorf("%s does not begin with its owner", one.Key(ws))
	}
	for _, other := range []string{"", "notes.txt", one.Key(ws) + ".tmp", "x/" + one.Key(ws), "ws_1/acme/crm/" + strings.Repeat("0", 64), strings.ToUpper(one.Key(ws))} {
		if _, _, ok := core.OwnerOfBlob(other); ok {
			t.Errorf("%q is taken for an object of ours", other)
		}
	}
	if !one.IsBytes([]byte("hello")) || one.IsBytes([]byte("hellp")) || one.IsBytes([]byte("hell")) {
		t.Error("a blob doesn't know its bytes")
	}
	if one.Counted() != core.MinBlobCounted || (core.Blob{Size: 1 << 20}).Counted() != 1<<20 {
		t.Errorf("counted as %d", one.Counted())
	}
}

func TestValidDigest(t *testing.T) {
	good := string(core.DigestOf(nil))
	for s, want := range map[string]bool{good: true, "": false, good[7:]: false, good + "0": false, strings.ToUpper(good): false, "sha256:../../etc": false} {
		if core.ValidDigest(s) != want {
			t.Errorf("%q: %t", s, !want)
		}
	}
}
