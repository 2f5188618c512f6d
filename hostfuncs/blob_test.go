package hostfuncs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/blob"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// shelve keeps the bench's blobs in a folder, and returns it.
func (b *bench) shelve() string {
	b.t.Helper()
	folder := b.t.TempDir()
	bucket, err := blob.Open(b.t.Context(), folder)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := bucket.Close(); err != nil {
			b.t.Error(err)
		}
	})
	b.store.KeepBlobsIn(bucket)
	return folder
}

// objects are the files in a folder.
func objects(t testing.TB, folder string) (paths []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*", "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func putRequest(t testing.TB, data []byte, mediaType string) string {
	t.Helper()
	request, err := json.Marshal(abi.PutBlobRequest{Data: data, Type: mediaType})
	if err != nil {
		t.Fatal(err)
	}
	return string(request)
}

func TestBlobs(t *testing.T) {
	b := newBench(t)
	folder := b.shelve()
	h := b.bind(abi.KindMutation)
	const digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	if got, want := h.ask(t, abi.OpBlobPut, `{"data":"aGVsbG8=","type":"text/plain; charset=utf-8"}`),
		`{"digest":"`+digest+`","type":"text/plain; charset=utf-8","size":5}`; got != want {
		t.Errorf("put: %s, want %s", got, want)
	}
	const whole = `{"digest":"` + digest + `","type":"text/plain; charset=utf-8","size":5,"data":"aGVsbG8="}`
	get := `{"digest":"` + digest + `"}`
	if got := h.ask(t, abi.OpBlobGet, get); got != whole {
		t.Errorf("in its own unit: %s, want %s", got, whole)
	}
	b.bind(abi.KindQuery).refuse(t, abi.OpBlobGet, get, core.NotFound, "no blob")
	if n := len(objects(t, folder)); n != 0 {
		t.Errorf("%d objects before the commit", n)
	}
	h.commit(t)
	if got := b.bind(abi.KindQuery).ask(t, abi.OpBlobGet, get); got != whole {
		t.Errorf("a query: %s, want %s", got, whole)
	}
	if got := b.bind(abi.KindMutation).ask(t, abi.OpBlobPut, `{"data":"AA=="}`); !strings.Contains(got, `"application/octet-stream"`) {
		t.Errorf("without a type: %s", got)
	}
	for request, want := range map[string]struct {
		kind core.Kind
		part string
	}{
		`{}`:                                  {core.Invalid, "data"},
		`{"data":""}`:                         {core.Invalid, "data"},
		`{"data":"no base64"}`:                {core.Invalid, ""},
		`{"data":"AA==","type":"a b"}`:        {core.Invalid, "type"},
		`{"data":"AA==","type":"text/\n"}`:    {core.Invalid, "type"},
		`{"data":"AA==","type":"text/pläin"}`: {core.Invalid, "type"},
		`{"data":"AA==","type":"text/` + strings.Repeat("x", 200) + `"}`: {core.Invalid, "type"},
		putRequest(t, make([]byte, core.MaxBlob+1), ""):                  {core.TooLarge, "8388608"},
	} {
		b.bind(abi.KindMutation).refuse(t, abi.OpBlobPut, request, want.kind, want.part)
	}
	large := bytes.Repeat([]byte("carrel! "), core.MaxBlob/8)
	h = b.bind(abi.KindMutation)
	var kept, read abi.Blob
	if err := json.Unmarshal([]byte(h.ask(t, abi.OpBlobPut, putRequest(t, large, ""))), &kept); err != nil {
		t.Fatal(err)
	}
	h.commit(t)
	if err := json.Unmarshal([]byte(b.bind(abi.KindQuery).ask(t, abi.OpBlobGet, `{"digest":"`+kept.Digest+`"}`)), &read); err != nil || !bytes.Equal(read.Data, large) {
		t.Errorf("the largest blob comes back with %d bytes, %v", len(read.Data), err)
	}

	plain := newBench(t) // of a server that keeps none
	plain.bind(abi.KindMutation).refuse(t, abi.OpBlobPut, `{"data":"AA=="}`, core.Denied, "keeps no blobs")
	plain.bind(abi.KindQuery).refuse(t, abi.OpBlobGet, get, core.Denied, "keeps no blobs")
}

// TestAttack09_BlobsCantBeProbed: what others keep is, to the byte of the answer, as
// unknown as what nobody keeps; and no digest leads to a file.
func TestAttack09_BlobsCantBeProbed(t *testing.T) {
	b := newBench(t)
	folder := b.shelve()
	secret := []byte("the other workspace's contract")
	h := b.bind(abi.KindMutation)
	h.ask(t, abi.OpBlobPut, putRequest(t, secret, "text/plain"))
	h.commit(t)
	digest := string(core.DigestOf(secret))
	unknown := string(core.DigestOf([]byte("what nobody keeps")))
	mine := b.ws
	probe := func(who string, change ...func(*hostfuncs.Binding)) {
		t.Helper()
		told := func(digest string) string {
			answer, err := b.bind(abi.KindQuery, change...).Call(t.Context(), abi.OpBlobGet, []byte(`{"digest":"`+digest+`"}`))
			return string(answer) + string(core.KindOf(err)) + core.MessageOf(err)
		}
		if got, want := told(digest), told(unknown); got != want || !strings.Contains(got, string(core.NotFound)) {
			t.Errorf("%s is told %q of what is kept, and %q of what isn't", who, got, want)
		}
		// Nor does putting the same bytes tell, by what it answers or what it costs.
		put := b.bind(abi.KindMutation, change...)
		var kept abi.Blob
		if err := json.Unmarshal([]byte(put.ask(t, abi.OpBlobPut, putRequest(t, secret, "image/png"))), &kept); err != nil || kept.Type != "image/png" {
			t.Errorf("%s puts the same bytes, and finds the type %q of the other's, %v", who, kept.Type, err)
		}
		before := len(objects(t, folder))
		put.commit(t)
		if after := len(objects(t, folder)); after != before+1 {
			t.Errorf("%s puts the same bytes: %d objects became %d", who, before, after)
		}
	}
	b.in.Plugin = core.PluginID{Publisher: "acme", Name: "shop"}
	probe("another plugin of the workspace")
	b.workspace()
	probe("the same plugin in another workspace")
	for _, path := range []string{
		"", "../", "sha256:../../../../etc/passwd", "sha256:" + strings.Repeat(".", 64), string(mine.ID) + "/acme/crm/" + digest,
		strings.ToUpper(digest), digest + "/", digest + "\\u0000", " " + digest, "sha512:" + strings.Repeat("0", 64), "sha256:" + strings.Repeat("%2f", 21) + "0",
	} {
		b.bind(abi.KindQuery).refuse(t, abi.OpBlobGet, `{"digest":"`+path+`"}`, core.Invalid, "digest")
	}
}

// TestAttack34_BlobFloods: a workspace keeps no more than its plan says, a call that
// fails leaves nothing, and one call puts only so much.
func TestAttack34_BlobFloods(t *testing.T) {
	b := newBench(t)
	folder := b.shelve()
	b.plan.Quotas = map[string]int64{core.MeterBlobs: 3 * core.MinBlobCounted}
	for i := range 3 {
		h := b.bind(abi.KindMutation)
		h.ask(t, abi.OpBlobPut, putRequest(t, []byte{byte(i)}, ""))
		h.commit(t)
	}
	full := b.bind(abi.KindMutation)
	full.refuse(t, abi.OpBlobPut, putRequest(t, []byte("more"), ""), core.QuotaExceeded, "owner or admin")
	full.ask(t, abi.OpBlobPut, putRequest(t, []byte{0}, "")) // which is there
	for range 5 {
		b.bind(abi.KindMutation).refuse(t, abi.OpBlobPut, putRequest(t, make([]byte, 1<<20), ""), core.QuotaExceeded)
	}
	b.plan.Quotas = nil
	h := b.bind(abi.KindMutation)
	h.ask(t, abi.OpBlobPut, putRequest(t, bytes.Repeat([]byte("a"), 6<<20), ""))
	h.refuse(t, abi.OpBlobPut, putRequest(t, bytes.Repeat([]byte("b"), 7<<20), ""), core.TooLarge, "bytes of requests")
	if n := len(objects(t, folder)); n != 3 {
		t.Errorf("%d objects of 3 blobs", n)
	}
}

// TestFault11_ADamagedBlobIsFound: whatever has become of an object, its bytes are
// not told as the blob's. The log says which it is, and putting the same bytes makes
// it good.
func TestFault11_ADamagedBlobIsFound(t *testing.T) {
	b := newBench(t)
	folder := b.shelve()
	h := b.bind(abi.KindMutation)
	h.ask(t, abi.OpBlobPut, putRequest(t, []byte("hello"), ""))
	h.commit(t)
	digest := string(core.DigestOf([]byte("hello")))
	get := `{"digest":"` + digest + `"}`
	object := objects(t, folder)[0]
	for name, damage := range map[string]func() error{
		"a byte":  func() error { return os.WriteFile(object, []byte("hellO"), 0o600) },
		"cut off": func() error { return os.Truncate(object, 3) },
		"grown":   func() error { return os.WriteFile(object, []byte("hello, you"), 0o600) },
		"gone":    func() error { return os.Remove(object) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		var logged []abi.LogRequest
		query := b.bind(abi.KindQuery, func(b *hostfuncs.Binding) { b.Log = func(line abi.LogRequest) { logged = append(logged, line) } })
		query.refuse(t, abi.OpBlobGet, get, core.Unavailable, digest, "damaged")
		if len(logged) != 1 || logged[0].Level != "error" || logged[0].Fields["digest"] != digest {
			t.Errorf("%s: the log says %+v", name, logged)
		}
		if err := query.unit.Validate(t.Context()); core.KindOf(err) != core.Unavailable {
			t.Errorf("%s: the call that met it may answer: %v", name, err)
		}
		h := b.bind(abi.KindMutation)
		h.ask(t, abi.OpBlobPut, putRequest(t, []byte("hello"), ""))
		h.commit(t)
		if got := b.bind(abi.KindQuery).ask(t, abi.OpBlobGet, get); !strings.Contains(got, "aGVsbG8=") {
			t.Errorf("%s: put again it is %s", name, got)
		}
	}
}
