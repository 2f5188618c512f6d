package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// TestWhatOneNodeSetAsideIsRedrivenInTheConsoleOfAnother: the node that gave a
// delivery up is gone when somebody presses the button.
func TestWhatOneNodeSetAsideIsRedrivenInTheConsoleOfAnother(t *testing.T) {
	t.Parallel()
	n := newNodes(t, two(pgtest.Open(t)), "hostile/ping", "hostile/pong")
	acme := n.workspace("Acme", "ping", "pong")
	n.kill(1)
	first := n.at(0, acme)
	first.Call("ping", "POST /ring", body{"times": 1, "do": body{"0": "refuse"}}).want(204)
	aside := first.w.eventually(first, "", "/deliveries?state=set_aside", 1)[0]
	first.Call("pong", "POST /cures", body{"name": "rest"}).want(201)
	n.kill(0)
	n.start(1)

	second := n.at(1, acme)
	s := &twins{world: second.w}
	cookie := s.cookie(second.person)
	page := fmt.Sprint("/console/w/", acme.workspace, "/deliveries/", aside["id"])
	if shown := string(second.send("GET", page, nil, cookie...).want(200).raw); !strings.Contains(shown, page+"/redrive") {
		t.Fatalf("the page has no button: %s", shown)
	}
	form := append(cookie, header{"Content-Type", "application/x-www-form-urlencoded"})
	second.send("POST", page+"/redrive", []byte(url.Values{}.Encode()), form...)
	if heard := second.w.eventually(second, "pong", "/heard", 1); len(heard) != 1 || heard[0]["number"] != 0.0 {
		t.Errorf("heard %v", heard)
	}
	if line := second.API("GET", "/audit", nil).want(200).list("data")[0].(map[string]any); line["action"] != "delivery.redriven" || line["subject"] != aside["id"] {
		t.Errorf("the audit log ends with %v", line)
	}
	if left := second.all("", "/deliveries?state=set_aside"); len(left) != 0 {
		t.Errorf("still set aside: %v", left)
	}
}
