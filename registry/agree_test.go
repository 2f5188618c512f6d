package registry

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/carrel-dev/carrel/core"
)

// turns lets requests to a server go on one at a time, in an order that is
// drawn, when all who may still send one have sent it.
type turns struct {
	mu      sync.Mutex
	random  *rand.Rand
	racers  int
	waiting []chan bool
	dies    int // at the how manieth turn a racer dies; 0 is never
}

// wait waits for a turn; false is the end of whoever waits.
func (q *turns) wait() bool {
	turn := make(chan bool, 1)
	q.mu.Lock()
	q.waiting = append(q.waiting, turn)
	q.next()
	q.mu.Unlock()
	return <-turn
}

// next gives somebody a turn, once all wait. The caller holds mu.
func (q *turns) next() {
	if len(q.waiting) < q.racers || q.racers == 0 {
		return
	}
	i := q.random.IntN(len(q.waiting))
	turn := q.waiting[i]
	q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
	q.dies--
	turn <- q.dies != 0
}

// gate is for server.intercept.
func (q *turns) gate(w http.ResponseWriter, _ *http.Request) bool {
	if q.wait() {
		return false
	}
	hangUp(w)
	return true
}

func (q *turns) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.racers--
	q.next()
}

// Nodes agree while the order of their requests is drawn: all of them that live
// come to one value, and it is one that was proposed.
func TestNodesAgreeWhateverTheOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	s := newServer(t)
	p := s.place(t)
	r := p.open(t)
	publish(t, r, module("acme/crm", "1.0.0", ""))
	node := r.source.(*remote)
	image, err := node.tagged(t.Context(), "acme_crm_1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	disputed := 0
	for round := range rounds {
		q := &turns{random: random, racers: 3}
		if round%2 == 1 {
			q.dies = 1 + random.IntN(20)
		}
		s.intercept(q.gate)
		subject := fmt.Sprint("round ", round)
		var came [3]string
		var errs [3]error
		var done sync.WaitGroup
		for i := range came {
			done.Go(func() {
				defer q.leave()
				came[i], _, errs[i] = node.agree(t.Context(), subject, string(rune('c'-i)), image)
			})
		}
		done.Wait()
		s.intercept(nil)
		dead := 0
		agreed := map[string]bool{}
		for i, err := range errs {
			if err != nil {
				dead++
				continue
			}
			agreed[came[i]] = true
			if came[i] != string(rune('c'-i)) {
				disputed++
			}
		}
		late, _, err := node.agree(t.Context(), subject, "late", image)
		if err != nil {
			t.Fatal(err)
		}
		agreed[late] = true
		if len(agreed) != 1 || len(late) != 1 || dead > 1 {
			t.Fatalf("round %d: %v, late %s, errors %v", round, came, late, errs)
		}
	}
	if disputed == 0 {
		t.Error("nobody ever gave way")
	}
}

// Publishers race for one version, and the order in which their requests reach
// the registry is drawn anew each time, with one of them dying at some point of
// it. Whatever it is: no two of them are told that they came first, all others
// name the same winner, and that is what a node finds.
func TestAttack37_WhateverTheOrderOfRequests(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	rounds := 30
	if testing.Short() {
		rounds = 10
	}
	contested := 0
	for round := range rounds {
		racers := 2 + random.IntN(3)
		s := newServer(t)
		p := s.place(t)
		nodes := make([]*Registry, racers)
		for i := range nodes {
			nodes[i] = p.elsewhere(t).open(t)
		}
		q := &turns{random: random, racers: racers}
		if round%2 == 1 {
			q.dies = 1 + random.IntN(60*racers)
		}
		s.intercept(q.gate)
		errs := make([]error, racers)
		var done sync.WaitGroup
		for i, r := range nodes {
			done.Go(func() {
				defer q.leave()
				// One request at a time, so that waiting for all is waiting for racers.
				_, errs[i] = r.Publish(t.Context(), Publication{Module: module("acme/crm", "1.0.0", fmt.Sprint("racer ", i))})
			})
		}
		done.Wait()
		s.intercept(nil)
		winner := -1
		dead := 0
		for i, err := range errs {
			switch core.KindOf(err) {
			case "":
				if winner >= 0 {
					t.Fatalf("round %d: both %d and %d were told that they published it", round, winner, i)
				}
				winner = i
			case core.Exists:
			case core.Unavailable:
				dead++
			default:
				t.Fatalf("round %d: %v", round, err)
			}
		}
		if dead > 0 && q.dies > 0 {
			t.Fatalf("round %d: somebody failed whom nothing had happened to: %v", round, errs)
		}
		fresh := p.elsewhere(t).open(t)
		release, err := fresh.Release(t.Context(), "crm", "1.0.0")
		switch {
		case err == nil:
			if winner >= 0 && release.Digest != digestOf(winner) {
				t.Fatalf("round %d: %d was told that it published it, and it is %s", round, winner, release.Digest)
			}
			for _, err := range errs {
				if core.KindOf(err) == core.Exists {
					refused(t, err, core.Exists, string(release.Digest))
					contested++
				}
			}
			if _, err := fresh.Module(t.Context(), release.Digest); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		case winner >= 0 || dead == 0:
			t.Fatalf("round %d: %v, and nobody finds it: %v", round, errs, err)
		}
	}
	if contested == 0 {
		t.Error("nobody ever lost")
	}
}

func digestOf(racer int) core.Digest {
	return core.Digest(digest.FromBytes(module("acme/crm", "1.0.0", fmt.Sprint("racer ", racer))))
}

// hangUp ends a request without an answer.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		conn.Close()
	}
}

// A publisher dies before each of its requests in turn. A release is there with
// all of its parts or not at all, and the version is not lost: somebody else's
// publication either succeeds or completes the one that was begun.
func TestFault01_APublisherDiesBeforeEachOfItsRequests(t *testing.T) {
	mine, other := module("acme/crm", "1.0.0", "mine"), module("acme/crm", "1.0.0", "other")
	unseen, completed, replaced := 0, 0, 0
	for dies := 1; ; dies++ {
		s := newServer(t)
		p := s.place(t)
		r := p.open(t)
		var mu sync.Mutex
		requests := 0
		s.intercept(func(w http.ResponseWriter, _ *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if requests++; requests < dies {
				return false
			}
			hangUp(w) // and whatever it sends after that
			return true
		})
		_, err := r.Publish(t.Context(), Publication{Module: mine})
		s.intercept(nil)
		if err == nil {
			t.Logf("a publication is %d requests; of those that died %d were seen nothing of, %d were completed by another, %d made room for it",
				requests, unseen, completed, replaced)
			break
		}
		refused(t, err, core.Unavailable, "cannot be used. Check its address, that it is running")
		r.Close()

		fresh := p.elsewhere(t).open(t)
		if list, _ := fresh.List(t.Context()); len(list) == 0 {
			unseen++
		} else if _, err := fresh.Module(t.Context(), list[0].Newest.Digest); err != nil {
			t.Fatalf("died before request %d: it is listed, and %v", dies, err)
		}
		release, err := fresh.Publish(t.Context(), Publication{Module: other})
		switch core.KindOf(err) {
		case "":
			replaced++
		case core.Exists:
			completed++
			if release, err = fresh.Release(t.Context(), "crm", "1.0.0"); err != nil || release.Digest != core.Digest(digest.FromBytes(mine)) {
				t.Fatalf("died before request %d: %q is there, %v", dies, release.Digest, err)
			}
		default:
			t.Fatalf("died before request %d: %v", dies, err)
		}
		again := p.elsewhere(t).open(t)
		if got, err := again.Module(t.Context(), release.Digest); err != nil || len(got) == 0 {
			t.Fatalf("died before request %d: %v", dies, err)
		}
	}
	if unseen == 0 || completed == 0 || replaced == 0 {
		t.Error("the publisher did not die in every part of its publication")
	}
}

// What a tag says is agreed by tags that are listed: a registry that does not
// list them is found out, before anything is published.
func TestARegistryThatDoesNotListItsTagsIsRefused(t *testing.T) {
	s := newServer(t)
	r := s.place(t).open(t)
	s.intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if isTagList(req) {
			_, _ = w.Write([]byte(`{"name":"carrel/plugins","tags":[]}`))
			return true
		}
		return false
	})
	_, err := r.Publish(t.Context(), Publication{Module: module("acme/crm", "1.0.0", "")})
	if core.KindOf(err) != core.Unavailable || !strings.Contains(err.Error(), "does not list the tag") {
		t.Errorf("it was published: %v", err)
	}
	s.intercept(nil)
	if list, _ := s.place(t).open(t).List(t.Context()); len(list) != 0 {
		t.Errorf("List = %+v", list)
	}
}
