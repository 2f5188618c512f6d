package registry

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/carrel-dev/carrel/core"
)

// Whoever can write to the repository can't change what a node has seen, nor
// serve bytes that are not of the digest they are asked for by.
func TestAttack38_AnOCIRegistryThatChangesWhatItHas(t *testing.T) {
	s := newServer(t)
	publisher := s.place(t).open(t)
	m := module("acme/crm", "1.0.0", "")
	release := publish(t, publisher, m)
	p := s.place(t)
	r := p.open(t)

	for i := range m {
		s.intercept(func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/"+string(release.Digest)) {
				return false
			}
			changed := bytes.Clone(m)
			changed[i] ^= 1
			_, _ = w.Write(changed)
			return true
		})
		got, err := r.Module(t.Context(), release.Digest)
		if got != nil {
			t.Fatal("changed bytes were served")
		}
		refused(t, err, core.Unavailable, "is damaged")
	}
	s.intercept(nil)
	if _, err := r.Module(t.Context(), release.Digest); err != nil {
		t.Fatal(err)
	}

	other := publish(t, s.place(t).open(t), module("acme/crm", "1.1.0", "other"))
	repo, _, err := openRepository(p.where, Config{User: "nobody"})
	if err != nil {
		t.Fatal(err)
	}
	image, err := repo.Resolve(t.Context(), "acme_crm_1.1.0")
	if err == nil {
		err = repo.Tag(t.Context(), image, "acme_crm_1.0.0") // as anybody with a password could
	}
	if err != nil {
		t.Fatal(err)
	}
	seen := r.catalog.Load().byDigest[release.Digest].image.Digest
	for _, state := range []string{"running", "started", "started with a damaged cache"} {
		if got, err := r.Release(t.Context(), "crm", "1.0.0"); err != nil || got.Digest != release.Digest {
			t.Errorf("%s: 1.0.0 is %s, %v", state, got.Digest, err)
		}
		r.Close()
		if state == "started" {
			if err := os.Remove(blobPath(cacheOf(p), core.Digest(seen))); err != nil {
				t.Fatal(err)
			}
		}
		r = p.open(t)
	}
	// The image is of another version: to a node that sees it first, it is no release.
	fresh := p.elsewhere(t).open(t)
	_, err = fresh.Release(t.Context(), "crm", "1.0.0")
	refused(t, err, core.Unavailable, "is damaged")
	if got, err := fresh.Release(t.Context(), "crm", ""); err != nil || got.Digest != other.Digest {
		t.Errorf("the other: %+v, %v", got, err)
	}
}

// Credentials go to the registry and nowhere else: not into errors, the log or
// the cache, and neither do the addresses that a registry signs for a while.
func TestAttack63_CredentialsOfARegistryAreNotTold(t *testing.T) {
	const user, password, signature = "carrel-node", "canary-password-9e1c", "canary-signature-77aa"
	s := newServer(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := s.place(t)
	cfg := Config{Checker: sectionChecker{}, Logger: logger, CacheDir: p.cache, User: user, Password: password}
	authorised := func(w http.ResponseWriter, req *http.Request) bool {
		if u, pw, ok := req.BasicAuth(); ok && u == user && pw == password {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="here"`)
		w.WriteHeader(http.StatusUnauthorized)
		return false
	}
	s.intercept(func(w http.ResponseWriter, req *http.Request) bool { return !authorised(w, req) })
	r, err := Open(t.Context(), p.where, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	release := publish(t, r, module("acme/crm", "1.0.0", ""))
	if err := os.Remove(blobPath(cacheOf(p), release.Digest)); err != nil {
		t.Fatal(err)
	}

	var told []string
	tell := func(err error) {
		t.Helper()
		if err == nil {
			t.Fatal("it went well")
		}
		told = append(told, err.Error(), core.MessageOf(err), fmt.Sprintf("%+v", err))
	}
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusOK} {
		s.intercept(func(w http.ResponseWriter, req *http.Request) bool {
			switch {
			case req.URL.Path == "/signed":
				w.WriteHeader(status) // and no body, where there should be one
				return true
			case strings.Contains(req.URL.Path, "/blobs/"):
				http.Redirect(w, req, "/signed?X-Amz-Signature="+signature, http.StatusTemporaryRedirect)
				return true
			}
			return !authorised(w, req)
		})
		_, err = r.Module(t.Context(), release.Digest)
		tell(err)
	}
	s.intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path == "/signed" {
			hangUp(w)
		} else {
			http.Redirect(w, req, "/signed?X-Amz-Signature="+signature, http.StatusTemporaryRedirect)
		}
		return true
	})
	_, err = r.Module(t.Context(), release.Digest)
	tell(err)
	_, _ = r.List(t.Context()) // logs why not
	s.intercept(func(w http.ResponseWriter, req *http.Request) bool { return !authorised(w, req) })
	wrong := cfg
	wrong.User, wrong.CacheDir = "nobody", t.TempDir()
	_, err = Open(t.Context(), p.where, wrong)
	tell(err)
	_, err = Open(t.Context(), strings.Replace(p.where, "://", "://"+user+":"+password+"@", 1), cfg)
	tell(err)
	refused(t, err, core.Invalid, "holds neither credentials nor a digest")

	all := strings.Join(told, "\n") + log.String() + fmt.Sprintf("%v %+v", cfg, cfg)
	if err := filepath.WalkDir(p.cache, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all += string(data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{password, signature} {
		if i := strings.Index(all, canary); i >= 0 {
			t.Errorf("%s is told: …%s…", canary, all[max(0, i-200):i+len(canary)])
		}
	}
	if !strings.Contains(all, "/signed") {
		t.Error("the redirected requests left no trace at all, so nothing was looked at")
	}
}

// A registry that answers without end, or with something that unpacks to much
// more, is not listened to for long.
func TestAttack44_AnOCIRegistryThatSendsTooMuch(t *testing.T) {
	s := newServer(t)
	release := publish(t, s.place(t).open(t), module("acme/crm", "1.0.0", ""))
	var sent atomic.Int64
	flood := func(w http.ResponseWriter, req *http.Request, zipped bool) {
		out := io.Writer(w)
		if zipped && strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			out = z
		}
		w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
		if strings.Contains(req.URL.Path, "/referrers/") {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
		}
		for chunk := bytes.Repeat([]byte(" "), 1<<20); ; {
			n, err := out.Write(chunk)
			if sent.Add(int64(n)); err != nil || req.Method == http.MethodHead {
				return
			}
		}
	}
	for _, part := range []string{"/tags/list", "/manifests/acme_crm_1.0.0", "/manifests/sha256:", "/referrers/", "/blobs/"} {
		for _, zipped := range []bool{false, true} {
			t.Run(fmt.Sprint(part, " zipped ", zipped), func(t *testing.T) {
				sent.Store(0)
				ended := make(chan struct{}, 16)
				s.intercept(func(w http.ResponseWriter, req *http.Request) bool {
					if !strings.Contains(req.URL.Path, part) {
						return false
					}
					defer func() { ended <- struct{}{} }()
					flood(w, req, zipped)
					return true
				})
				defer s.intercept(nil)
				p := s.place(t)
				r, err := Open(t.Context(), p.where, Config{CacheDir: p.cache, Logger: slog.New(slog.DiscardHandler)})
				if err == nil {
					defer r.Close()
					_, err = r.Module(t.Context(), release.Digest)
				}
				if core.KindOf(err) != core.Unavailable && core.KindOf(err) != core.NotFound {
					t.Errorf("it was believed: %v", err)
				}
				<-ended // as the connection was closed
				if most := int64(64 << 20); sent.Load() > most && !zipped {
					t.Errorf("%d MiB were read", sent.Load()>>20)
				}
			})
		}
	}
}

// Somebody pushes a release past Carrel, under the name of another's plugin. No
// node offers it: neither one that knew the plugin, nor one that sees both first.
func TestAttack41_ANameTakenPastThePublisher(t *testing.T) {
	p := newServer(t).place(t)
	r := p.open(t)
	release := publish(t, r, module("acme/crm", "1.0.0", ""))
	forged := open(t, t.TempDir())
	forged.now = func() time.Time { return release.Published.Add(time.Second) }
	other := publish(t, forged, module("umbrella/crm", "9.0.0", ""))
	copyTo(t, forged, "umbrella/crm:9.0.0", p, "umbrella_crm_9.0.0")
	for who, r := range map[string]*Registry{"who knew": r, "who sees both first": p.elsewhere(t).open(t)} {
		if got, err := r.Release(t.Context(), "crm", ""); err != nil || got.Digest != release.Digest {
			t.Errorf("%s: the newest is %s of %s, %v", who, got.Version, got.Plugin, err)
		}
		if _, err := r.Module(t.Context(), other.Digest); core.KindOf(err) != core.NotFound {
			t.Errorf("%s: the forged one: %v", who, err)
		}
	}
}
