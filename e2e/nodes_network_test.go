package e2e

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// TestFault03_TheAnswerIsLost: what was asked for was committed, and the answer is
// lost on its way, from Postgres to the node or from the node to its client. The
// same request, sent again to any node, gets the answer; the effect is there once.
func TestFault03_TheAnswerIsLost(t *testing.T) {
	t.Parallel()
	const each = 10
	db := pgtest.Open(t)
	proxy := newProxy(t, db)
	n := newNodes(t, []string{proxy.url, db}, "crm", "hostile/pong")
	acme := n.workspace("Acme", "crm", "pong")
	var emails []string
	add := func(i int, email string) answer {
		return n.at(i, acme).Call("crm", "POST /contacts", body{"email": email, "name": "n"}, header{"Idempotency-Key", email})
	}
	again := func(email string) answer {
		a := add(n.random.IntN(2), email).want(201)
		if a.text("email") != email || a.header.Get("Idempotency-Replayed") == "" {
			t.Errorf("%s was committed, and the request that was sent again was answered with %v %s", email, a.header, a.raw)
		}
		return a
	}

	for i := range each {
		email := fmt.Sprintf("database%d@example.com", i)
		emails = append(emails, email)
		proxy.lose(`"email":"`+email+`"`, 1)
		add(0, email).want(503)
		if proxy.losses() != 1 {
			t.Fatalf("the answer to the commit was not lost: nothing is shown")
		}
		first, second := again(email), again(email)
		if first.text("id") != second.text("id") {
			t.Errorf("%s is two contacts: %s and %s", email, first.raw, second.raw)
		}
	}

	// Of commits of deliveries: the node thinks that they failed.
	const deliveries = 3
	proxy.lose(`{"event":"evt_`, deliveries)
	for i := 0; proxy.losses() < deliveries; i++ {
		email := fmt.Sprintf("delivery%d@example.com", i)
		emails = append(emails, email)
		if add(0, email).status == 503 { // it shared the transaction of a delivery
			again(email)
		}
		acme.settled()
	}

	for i := range each {
		email := fmt.Sprintf("client%d@example.com", i)
		emails = append(emails, email)
		hangUp := n.at(0, acme).leave("/w/acme/crm/contacts", email)
		acme.w.until(email+" was not added", func() bool {
			return len(n.at(1, acme).all("crm", "/contacts?filter[email]="+url.QueryEscape(email))) == 1
		})
		hangUp()
		again(email)
	}
	for i := range each { // and at once, whatever the node has done by then
		email := fmt.Sprintf("hurry%d@example.com", i)
		emails = append(emails, email)
		n.at(0, acme).leave("/w/acme/crm/contacts", email)()
		add(n.random.IntN(2), email).want(201)
	}
	n.at(1, acme).checkAdded(emails)
	n.at(1, acme).checkHeard()
}

// leave sends a request for a contact, whose answer nobody reads.
func (m member) leave(path, email string) (hangUp func()) {
	m.w.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(m.w.url, "http://"))
	if err != nil {
		m.w.Fatal(err)
	}
	sent := fmt.Sprintf(`{"email":%q,"name":"n"}`, email)
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: carrel\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Idempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%s", path, m.token, email, len(sent), sent)
	if err != nil {
		m.w.Fatal(err)
	}
	return func() { conn.Close() }
}
