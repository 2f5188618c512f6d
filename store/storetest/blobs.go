package storetest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// shelf is a store.Objects in memory, in which a test can look and break things.
type shelf struct {
	mu      sync.Mutex
	objects map[string][]byte
	puts    int
	broken  error // of every request
}

// Put implements store.Objects.
func (s *shelf) Put(_ context.Context, key string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.puts++
		s.objects[key] = bytes.Clone(data)
	}
	return s.broken
}

// Get implements store.Objects.
func (s *shelf) Get(_ context.Context, key string, _ int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.objects[key]
	if !ok && s.broken == nil {
		return nil, core.E("storetest.Get", core.NotFound, "No.")
	}
	return data, s.broken
}

func (d *desk) shelve() *shelf {
	s := &shelf{objects: map[string][]byte{}}
	d.store.KeepBlobsIn(s)
	return s
}

func (u *unit) putBlob(text string) core.Blob {
	u.t.Helper()
	blob, err := u.PutBlob(context.Background(), []byte(text), "text/plain", -1)
	u.must(err)
	return blob
}

func (u *unit) wantBlob(digest core.Digest, want string) {
	u.t.Helper()
	blob, data, err := u.Blob(context.Background(), digest)
	if err != nil || string(data) != want || blob.Type != "text/plain" || blob.Size != int64(len(want)) || blob.Digest != digest || blob.Plugin != Plugin {
		u.t.Errorf("the blob is %+v with %q, %v; want %q", blob, data, err, want)
	}
}

// blobs: what a unit puts is its own until it commits, and then its plugin's in its
// workspace and nobody else's.
func blobs(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	s := d.shelve()
	missing := func(u *store.Unit, digest core.Digest) {
		t.Helper()
		_, _, err := u.Blob(ctx, digest)
		wants(t, err, core.NotFound)
		if err := u.Validate(ctx); err != nil {
			t.Error("nothing was there at no moment:", err)
		}
	}
	u := d.begin()
	hello := u.putBlob("hello")
	if again := u.putBlob("hello"); again != hello {
		t.Errorf("the same bytes are %+v and %+v", hello, again)
	}
	u.wantBlob(hello.Digest, "hello")
	missing(d.begin().Unit, hello.Digest)
	if s.puts != 0 {
		t.Errorf("%d objects were written before the commit", s.puts)
	}
	missed := d.begin()
	missing(missed.Unit, hello.Digest)
	u.commit()
	d.begin().wantBlob(hello.Digest, "hello")
	missed.insert("contacts", `{"name":"Ann"}`)
	_, err := missed.Commit(ctx)
	wants(t, err, core.Changed)

	elsewhere := &desk{t, d.store, core.NewWorkspaceID()}
	missing(elsewhere.begin().Unit, hello.Digest)
	scope := Scope()
	scope.Plugin.Name = "shop"
	missing(d.store.Begin(d.ws, scope), hello.Digest)
	scope.Plugin = core.PluginID{Publisher: "other", Name: Plugin.Name}
	missing(d.store.Begin(d.ws, scope), hello.Digest)
	elsewhere.committed(func(u *unit) { u.putBlob("hello") })
	if len(s.objects) != 2 {
		t.Errorf("two workspaces share an object: %d", len(s.objects))
	}

	// The same bytes again are the same blob, and what has become of its object is
	// made good.
	clear(s.objects)
	_, _, err = d.begin().Blob(ctx, hello.Digest)
	wants(t, err, core.Unavailable)
	d.committed(func(u *unit) {
		again, err := u.PutBlob(ctx, []byte("hello"), "text/html", -1)
		if err != nil || again.Object != hello.Object || again.Type != "text/plain" {
			t.Errorf("put again: %+v, %v; was %+v", again, err, hello)
		}
	})
	d.begin().wantBlob(hello.Digest, "hello")

	u = d.begin() // a unit that ends in nothing
	u.putBlob("nobody keeps this")
	u = d.begin()
	late := u.putBlob("two put this")
	d.committed(func(u *unit) { u.putBlob("two put this") })
	_, err = u.Commit(ctx)
	wants(t, err, core.Changed)
	d.begin().wantBlob(late.Digest, "two put this")

	scope = Scope()
	scope.ReadOnly = true
	query := &unit{t, d.store.Begin(d.ws, scope)}
	query.wantBlob(hello.Digest, "hello")
	_, err = query.PutBlob(ctx, []byte("x"), "text/plain", -1)
	wants(t, err, core.Denied)
	u = d.begin()
	for i := range store.MaxBlobBytes / core.MaxBlob {
		u.putBlob(strings.Repeat(string(rune('a'+i)), core.MaxBlob))
	}
	_, err = u.PutBlob(ctx, []byte("x"), "text/plain", -1)
	wants(t, err, core.TooLarge)
	_, err = newDesk(t, b).begin().PutBlob(ctx, []byte("x"), "text/plain", -1)
	wants(t, err, core.Denied) // a store without objects
}

// brokenBlobs: bytes that aren't the blob's are told nobody, and a unit that met
// them, or objects out of reach, does not commit.
func brokenBlobs(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	s := d.shelve()
	var hello core.Blob
	d.committed(func(u *unit) { hello = u.putBlob("hello") })
	key := hello.Key(d.ws)
	for name, damage := range map[string]func(){
		"other bytes": func() { s.objects[key] = []byte("jello") },
		"cut off":     func() { s.objects[key] = []byte("hell") },
		"longer":      func() { s.objects[key] = []byte("hello!") },
		"empty":       func() { s.objects[key] = nil },
		"gone":        func() { delete(s.objects, key) },
		"unreachable": func() { s.broken = core.E("storetest.Get", core.Unavailable, "Later.") },
	} {
		s.objects[key], s.broken = []byte("hello"), nil
		d.begin().wantBlob(hello.Digest, "hello")
		damage()
		u := d.begin()
		blob, data, err := u.Blob(ctx, hello.Digest)
		wants(t, err, core.Unavailable)
		if data != nil || blob != (core.Blob{}) || s.broken == nil && !strings.Contains(core.MessageOf(err), string(hello.Digest)) {
			t.Errorf("%s: %+v, %q, %v", name, blob, data, err)
		}
		u.insert("contacts", `{"name":"Ann"}`)
		_, err = u.Commit(ctx)
		wants(t, err, core.Unavailable)
		u = d.begin()
		fresh := u.putBlob("fresh " + name)
		u.insert("contacts", `{"name":"Bea"}`)
		if _, err = u.Commit(ctx); (err != nil) != (s.broken != nil) {
			t.Errorf("%s: a put: %v", name, err)
		}
		if s.broken != nil {
			wants(t, err, core.Unavailable)
			_, _, err := d.begin().Blob(ctx, fresh.Digest)
			wants(t, err, core.NotFound)
		}
	}
	if n := d.begin().count("contacts"); n != 5 {
		t.Errorf("%d documents, want 5", n)
	}
}

// blobQuota: whoever puts at the same time, what a workspace's blobs count for never
// passes the limit, and those who fit are not refused.
func blobQuota(t *testing.T, b store.Backend) {
	const fit, callers = 3, 12
	d := newDesk(t, b)
	d.shelve()
	other := &desk{t, d.store, core.NewWorkspaceID()}
	other.committed(func(u *unit) { u.putBlob(strings.Repeat("x", core.MinBlobCounted*fit)) })
	var all sync.WaitGroup
	var kept, refused atomic.Int64
	begin := make(chan struct{})
	for i := range callers {
		all.Go(func() {
			<-begin
			_, err := d.again(func(u *store.Unit) error {
				_, err := u.PutBlob(context.Background(), []byte{byte(i)}, "text/plain", fit*core.MinBlobCounted)
				return err
			})
			switch core.KindOf(err) {
			case "":
				kept.Add(1)
			case core.QuotaExceeded:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	close(begin)
	all.Wait()
	if kept.Load() != fit || refused.Load() != callers-fit {
		t.Errorf("%d were kept and %d refused; %d fit", kept.Load(), refused.Load(), fit)
	}
	u := d.begin() // within one unit, too
	limit := int64((fit + 1) * core.MinBlobCounted)
	_, err := u.PutBlob(context.Background(), []byte("one more"), "text/plain", limit)
	u.must(err)
	_, err = u.PutBlob(context.Background(), []byte("and another"), "text/plain", limit)
	wants(t, err, core.QuotaExceeded)
	u.commit()
}

// blobRows: a plugin's blobs are listed, counted, and erased with it, whoever else
// keeps the same bytes.
func blobRows(t *testing.T, h *house) {
	ctx := context.Background()
	w, _ := h.workspace()
	other, _ := h.workspace()
	in, shop := complete(), core.PluginID{Publisher: Plugin.Publisher, Name: "shop"}
	put := func(ws core.WorkspaceID, plugin core.PluginID, text string) core.Blob {
		blob := core.NewBlob(plugin, []byte(text), "text/plain; charset=utf-8", noon)
		h.must(h.change(ws, core.PutBlob{Blob: blob, Limit: -1}))
		return blob
	}
	h.must(h.change(w.ID, core.PutInstallation{Installation: in}))
	var mine []core.Blob
	for _, text := range []string{"one", "two", strings.Repeat("x", 2*core.MinBlobCounted)} {
		mine = append(mine, put(w.ID, Plugin, text))
	}
	theirs, abroad := put(w.ID, shop, "one"), put(other.ID, Plugin, "one")
	slices.SortFunc(mine, func(a, b core.Blob) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	wantBlobs := func(ws core.WorkspaceID, plugin core.PluginID, want ...core.Blob) {
		t.Helper()
		if got, err := h.Blobs(ctx, ws, plugin); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s of %s keeps\n%+v, %v, want\n%+v", plugin, ws, got, err, want)
		}
	}
	wantBlobs(w.ID, Plugin, mine...)
	wantBlobs(w.ID, core.PluginID{Publisher: "other", Name: Plugin.Name})
	wantCounted := func(want int64) {
		t.Helper()
		sums, err := h.UsageSums(ctx, w.ID)
		if err != nil || len(sums) != 1 || sums[0] != (core.UsageSum{Meter: core.MeterBlobs, Quantity: want}) {
			t.Errorf("usage is %+v, %v; want %d", sums, err, want)
		}
	}
	wantCounted(5 * core.MinBlobCounted)
	wants(t, h.change(w.ID, core.PutBlob{Blob: core.NewBlob(Plugin, []byte("one"), "text/plain", noon), Limit: -1}), core.Changed)
	wants(t, h.change(w.ID, core.PutBlob{Blob: core.NewBlob(Plugin, []byte("four"), "text/plain", noon), Limit: 5 * core.MinBlobCounted}), core.QuotaExceeded)
	wantBlobs(w.ID, Plugin, mine...)
	if f, err := h.Footprint(ctx, w.ID, Plugin); err != nil || f.Blobs != 3 {
		t.Errorf("its footprint is %+v, %v", f, err)
	}
	h.must(h.change(w.ID, core.RemoveInstallation{ID: in.ID, Plugin: Plugin}))
	wantBlobs(w.ID, Plugin, mine...)
	h.must(h.change(w.ID, core.PutInstallation{Installation: in}))
	h.must(h.change(w.ID, core.RemoveInstallation{ID: in.ID, Plugin: Plugin, EraseTables: true}))
	wantBlobs(w.ID, Plugin)
	wantBlobs(w.ID, shop, theirs)
	wantBlobs(other.ID, Plugin, abroad)
	wantCounted(core.MinBlobCounted)
}
