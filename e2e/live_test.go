package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// following is a stream of a workspace that somebody reads.
type following struct {
	t     *testing.T
	heard chan string   // kinds of events
	over  chan struct{} // closed when the stream ends
}

// follow opens the stream of a workspace, and returns when it has begun.
func (m member) follow(credentials ...header) *following {
	m.w.Helper()
	r, err := http.NewRequest("GET", m.w.url+"/console/w/"+m.workspace+"/live", nil)
	if err != nil {
		m.w.Fatal(err)
	}
	for _, h := range credentials {
		r.Header.Set(h.name, h.value)
	}
	response, err := (&http.Client{}).Do(r)
	if err != nil {
		m.w.Fatal(err)
	}
	if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != "text/event-stream" {
		m.w.Fatalf("the stream answers %d, %s", response.StatusCode, kind)
	}
	f := &following{m.w.T, make(chan string, 1000), make(chan struct{})}
	m.w.Cleanup(func() { response.Body.Close() })
	begun := make(chan struct{})
	go func() {
		defer close(f.over)
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "retry:") {
				close(begun)
			}
			if kind, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				f.heard <- kind
			}
		}
	}()
	select {
	case <-begun:
	case <-time.After(10 * time.Second):
		m.w.Fatal("the stream never began")
	}
	return f
}

// hears waits until the stream tells of a kind.
func (f *following) hears(kind string) {
	f.t.Helper()
	for timeout := time.After(10 * time.Second); ; {
		select {
		case heard := <-f.heard:
			if heard == kind {
				return
			}
		case <-f.over:
			for len(f.heard) > 0 { // both were ready: what it told of came first
				if <-f.heard == kind {
					return
				}
			}
			f.t.Fatalf("the stream ended before it told of a %s", kind)
		case <-timeout:
			f.t.Fatalf("the stream never told of a %s", kind)
		}
	}
}

// ends fails unless the stream ends long before its time is over, and tells of
// nothing more.
func (f *following) ends() {
	f.t.Helper()
	select {
	case <-f.over:
	case <-time.After(20 * time.Second):
		f.t.Fatal("the stream goes on")
	}
	close(f.heard)
	for kind := range f.heard {
		f.t.Errorf("it still told of a %s", kind)
	}
}

// browse signs somebody in, and returns what their browser sends.
func (p *person) browse() []header {
	in := p.send("POST", "/api/v1/sessions", body{"email": p.email, "password": password}).want(201)
	return []header{{"Cookie", strings.Split(in.header.Get("Set-Cookie"), ";")[0]}, {"Origin", p.w.url}}
}

// TestAttack10_AStreamEndsWithTheRightToIt takes away, in each way there is, what
// a reader's right to a live stream rests on. It ends, and does not tell of what
// happens afterwards. How soon is a matter of the stream's own clock, and tested
// with it: web/console's test of this attack.
func TestAttack10_AStreamEndsWithTheRightToIt(t *testing.T) {
	w := newWorld(t, "hostile/probe")
	alice, bob := w.SignUp("alice"), w.SignUp("bob")
	acme := As(alice).Workspace("Acme", "enterprise")
	of := As(alice).In(acme)
	of.API("POST", "/installations", body{"plugin": "probe", "grants": of.asked("probe")}).want(201)
	happen := func() {
		of.Call("probe", "POST /notes", body{"title": "t", "label": unique()}).want(201)
	}
	add := func() string {
		return of.API("POST", "/members", body{"email": bob.email, "role": "admin"}).want(201).text("account")
	}
	bobID := add()
	token := func(in body) (string, string) {
		made := bob.send("POST", "/api/v1/tokens", in).want(201)
		return made.text("id"), made.text("secret")
	}
	for name, revoked := range map[string]func(t *testing.T) (with []header, revoke func()){
		"the member is removed": func(*testing.T) ([]header, func()) {
			return bob.browse(), func() { of.API("DELETE", "/members/"+bobID, nil).want(204) }
		},
		"the session ends": func(*testing.T) ([]header, func()) {
			cookie := bob.browse()
			return cookie, func() {
				bob.send("DELETE", "/api/v1/sessions/current", nil, append(cookie, header{"Authorization", ""})...).want(204)
			}
		},
		"the token is revoked": func(*testing.T) ([]header, func()) {
			id, secret := token(body{"name": "live"})
			return []header{{"Authorization", "Bearer " + secret}}, func() { bob.send("DELETE", "/api/v1/tokens/"+id, nil).want(204) }
		},
		"the member of a token is removed": func(*testing.T) ([]header, func()) {
			_, secret := token(body{"name": "live", "workspace": acme, "scopes": []string{"core.events.read"}})
			return []header{{"Authorization", "Bearer " + secret}}, func() { of.API("DELETE", "/members/"+bobID, nil).want(204) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			with, revoke := revoked(t)
			stream := As(bob).In(acme).follow(with...)
			stream.t = t
			happen()
			stream.hears("commit")
			revoke()
			at := time.Now()
			for len(stream.heard) > 0 { // what it told of before
				<-stream.heard
			}
			happen()
			stream.ends()
			t.Logf("it ended after %v", time.Since(at))
			if strings.Contains(name, "member") {
				add()
			}
		})
	}
	// Who has no right to a stream gets none: the walk of twin workspaces. Nor does
	// a token that was made for something else.
	_, narrow := token(body{"name": "narrow", "scopes": []string{"core.members.read"}})
	bob.send("GET", "/console/w/"+acme+"/live", nil, header{"Authorization", "Bearer " + narrow}).want(403)
	bob.send("GET", "/console/w/"+acme+"/live", nil, header{"Authorization", ""}).want(401)
}

// TestStreamsAreBounded opens more streams than an account may have: the oldest
// makes room, and is told not to come again. When the server stops, all end.
func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t, "hostile/probe")
	acme := As(w.root).In(As(w.root).Workspace("Acme", "enterprise"))
	acme.API("POST", "/installations", body{"plugin": "probe", "grants": acme.asked("probe")}).want(201)
	cookie := w.root.browse()
	var streams []*following
	for range 7 {
		streams = append(streams, acme.follow(cookie...))
	}
	streams[0].hears("end")
	streams[0].ends()
	acme.Call("probe", "POST /notes", body{"title": "t"}).want(201)
	for _, s := range streams[1:] {
		s.hears("commit")
	}
	began := time.Now()
	w.stop()
	for i, s := range streams[1:] {
		select {
		case <-s.over:
		default:
			t.Errorf("stream %d outlives its server", i+1)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %v: streams hold the server", took)
	}
}

// TestAPageFollowsWhatHappens has a page open while something happens elsewhere:
// it shows it by itself, and the reader's place is kept.
func TestAPageFollowsWhatHappens(t *testing.T) {
	w := newWorld(t, "hostile/probe")
	acme := As(w.root).In(As(w.root).Workspace("Acme", "enterprise"))
	acme.API("POST", "/installations", body{"plugin": "probe", "grants": acme.asked("probe")}).want(201)
	b := newBrowser(t, w.url)
	b.signIn(w.root)
	for i, path := range []string{"/events", "/invocations", "/deliveries"} {
		b.open("/console/w/acme" + path)
		before := b.count("tbody tr")
		acme.Call("probe", "POST /ask", body{"op": abi.OpEventsEmit, "request": body{"type": "probe.noted", "version": 1, "data": body{"title": "t"}}}).want(200)
		acme.Call("probe", "POST /ask", body{"op": abi.OpJobsSchedule, "request": body{"handler": "note", "payload": body{"title": fmt.Sprint(i)}}}).want(200)
		b.until(path+" stays as it was", fmt.Sprintf(`document.querySelectorAll("tbody tr").length > %d`, before))
	}
}
