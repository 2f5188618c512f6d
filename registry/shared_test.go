package registry

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// What one node publishes or yanks, the others find when they are asked.
func TestNodesNoticeWhatOthersDo(t *testing.T) { everywhere(t, testNodesNoticeWhatOthersDo) }

func testNodesNoticeWhatOthersDo(t *testing.T, p place) {
	here, there := p.open(t), p.elsewhere(t).open(t)
	first := publish(t, here, module("acme/crm", "1.0.0", ""))
	if got, err := there.Release(t.Context(), "crm", ""); err != nil || got.Digest != first.Digest {
		t.Errorf("the newest is %q, %v", got.Version, err)
	}
	second := publish(t, there, module("acme/crm", "1.1.0", ""))
	if _, err := here.Module(t.Context(), second.Digest); err != nil { // asked for nothing but its digest
		t.Error(err)
	}
	if list, _ := here.List(t.Context()); len(list) != 1 || len(list[0].Releases) != 2 {
		t.Errorf("List = %+v", list)
	}
	for _, yanked := range []bool{true, false, true} {
		if _, err := here.Yank(t.Context(), second.Digest, yanked); err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{true: "1.0.0", false: "1.1.0"}[yanked]
		if got, err := there.Release(t.Context(), "crm", ""); err != nil || got.Version != want {
			t.Errorf("yanked %v: the newest is %q, %v, want %s", yanked, got.Version, err, want)
		}
	}
	if got, err := there.ByDigest(t.Context(), second.Digest); err != nil || !got.Yanked {
		t.Errorf("ByDigest = %+v, %v", got, err)
	}
	if _, err := there.Module(t.Context(), second.Digest); err != nil {
		t.Errorf("its installations cannot load it: %v", err)
	}
	// A name has one owner, whoever was asked first.
	_, err := there.Publish(t.Context(), Publication{Module: module("umbrella/crm", "9.0.0", "")})
	refused(t, err, core.Denied, "belongs to the publisher acme")
}

// A node that looks for the first time while another publishes finds the folder
// made, once.
func TestNodesMakeOneFolder(t *testing.T) {
	for range 20 {
		p := place{where: filepath.Join(t.TempDir(), "registry")}
		opened := make(chan *Registry)
		for range 4 {
			go func() {
				r, err := Open(t.Context(), p.where, Config{Checker: sectionChecker{}})
				if err == nil {
					_, err = r.Publish(t.Context(), Publication{Module: module("acme/crm", "1.0.0", "")})
				}
				if err != nil {
					t.Error(err)
				}
				opened <- r
			}()
		}
		for range 4 {
			if r := <-opened; r != nil {
				defer r.Close()
			}
		}
		if list, _ := p.open(t).List(t.Context()); len(list) != 1 {
			t.Fatalf("List = %+v", list)
		}
	}
}

// While another process changes the folder, lookups are answered and a
// publication waits, but not without end.
func TestOnlyPublishersWaitForTheLock(t *testing.T) {
	p := place{where: t.TempDir()}
	r := p.open(t)
	first := publish(t, r, module("acme/crm", "1.0.0", ""))
	unlock, err := r.source.(*folder).layout.tryLock()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Release(t.Context(), "crm", ""); err != nil || got.Digest != first.Digest {
		t.Errorf("Release = %+v, %v", got, err)
	}
	if _, err := p.open(t).Module(t.Context(), first.Digest); err != nil {
		t.Errorf("another that opens it: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	next := Publication{Module: module("acme/crm", "1.1.0", "")}
	_, err = r.Publish(ctx, next)
	refused(t, err, core.Unavailable, "is changing the registry in "+p.where)

	done := make(chan error, 1)
	go func() {
		_, err := r.Publish(t.Context(), next)
		done <- err
	}()
	unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// An index.json that is lost or damaged while nodes run hides nothing from
// them, is told in the log, and is not written over.
func TestAnIndexDamagedUnderARunningNode(t *testing.T) {
	p := place{where: t.TempDir()}
	r := p.open(t)
	release := publish(t, r, module("acme/crm", "1.0.0", ""))
	index := filepath.Join(p.where, "index.json")
	whole, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func() error{
		"cut":  func() error { return os.WriteFile(index, whole[:len(whole)/2], 0o600) },
		"lost": func() error { return os.Remove(index) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			if got, err := r.Release(t.Context(), "crm", ""); err != nil || got.Digest != release.Digest {
				t.Errorf("Release = %+v, %v", got, err)
			}
			_, err := r.Publish(t.Context(), Publication{Module: module("acme/crm", "1.1.0", "")})
			refused(t, err, core.Unavailable, "Restore it from a backup")
			if err := os.WriteFile(index, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Release(t.Context(), "crm", "1.1.0"); core.KindOf(err) != core.NotFound {
				t.Errorf("after it was restored: %v", err)
			}
		})
	}
	publish(t, r, module("acme/crm", "1.1.0", ""))
}

// A node answers from memory whoever does not want to wait for the registry.
func TestNobodyWaitsForALookThatHangs(t *testing.T) {
	s := newServer(t)
	p := s.place(t)
	r := p.open(t)
	release := publish(t, r, module("acme/crm", "1.0.0", ""))
	hangs, resume := make(chan struct{}, 16), make(chan struct{})
	s.intercept(func(http.ResponseWriter, *http.Request) bool {
		hangs <- struct{}{}
		<-resume
		return false
	})
	defer s.intercept(nil)
	defer close(resume)
	r.pace.known = 0
	if _, err := r.ByDigest(t.Context(), release.Digest); err != nil { // begins a look
		t.Error(err)
	}
	<-hangs
	if _, err := r.Module(t.Context(), release.Digest); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the caller is gone"))
	if got, err := r.Release(ctx, "crm", ""); err != nil || got.Digest != release.Digest {
		t.Errorf("Release = %+v, %v", got, err)
	}
}
