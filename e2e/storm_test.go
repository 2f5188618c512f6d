package e2e

import (
	"fmt"
	"slices"
	"testing"
)

// table is a workspace where ping and pong are installed.
func (w *world) table(p *person, name string) member {
	w.Helper()
	m := As(p).In(As(p).Workspace(name, "enterprise"))
	m.Install("ping")
	m.Install("pong")
	return m
}

// TestAttack54_TwoPluginsStopAnsweringEachOther: ping answers pong and pong ping.
// Each answer is told of one hop further, until the last is refused, and there is
// nothing left to do.
func TestAttack54_TwoPluginsStopAnsweringEachOther(t *testing.T) {
	w := newWorld(t, "hostile/ping", "hostile/pong")
	acme := w.table(w.SignUp("alice"), "Acme")
	acme.Call("ping", "POST /ring", body{"times": 1, "do": body{"0": "answer"}}).want(204)
	aside := w.eventually(acme, "", "/deliveries?state=set_aside", 1)
	if len(aside) != 1 || aside[0]["attempt"] != 1.0 {
		t.Errorf("set aside: %v", aside)
	}
	var told []string
	for _, e := range acme.all("", "/events") {
		if e["source"] != "/core" {
			told = append(told, fmt.Sprint(e["type"], " ", e["carrelhop"]))
		}
	}
	slices.Reverse(told)
	want := []string{"ping.rang 0", "pong.rang 1", "ping.rang 2", "pong.rang 3", "ping.rang 4", "pong.rang 5", "ping.rang 6", "pong.rang 7"}
	if !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	for _, state := range []string{"pending", "running", "retry"} {
		if left := acme.all("", "/deliveries?state="+state); len(left) != 0 {
			t.Errorf("still %s: %v", state, left)
		}
	}
}

// TestAttack55_PoisonIsSetAsideAndRedriven: among good events one that is refused,
// and one that crashes its listener. The others flow; the first waits for a person,
// the second for its next attempt. Once the listener is cured both are taken.
func TestAttack55_PoisonIsSetAsideAndRedriven(t *testing.T) {
	const rings = 10
	w := newWorld(t, "hostile/ping", "hostile/pong")
	acme := w.table(w.SignUp("alice"), "Acme")
	acme.Call("ping", "POST /ring", body{"times": rings, "do": body{"2": "refuse", "3": "crash"}}).want(204)
	heard := w.eventually(acme, "pong", "/heard", rings-2)
	aside := w.eventually(acme, "", "/deliveries?state=set_aside", 1)
	if len(heard) != rings-2 || len(aside) != 1 || aside[0]["lastError"] != "2 is more than pong can take" {
		t.Fatalf("heard %v, set aside %v", heard, aside)
	}
	acme.Call("pong", "POST /cures", body{"name": "rest"}).want(201)
	acme.API("POST", fmt.Sprint("/deliveries/", aside[0]["id"], "/redrive"), nil).want(200)
	numbers := map[any]int{}
	for _, one := range w.eventually(acme, "pong", "/heard", rings) {
		numbers[one["number"]]++
	}
	for n := range rings {
		if numbers[float64(n)] != 1 {
			t.Errorf("%d was heard %d times", n, numbers[float64(n)])
		}
	}
	if aside := acme.all("", "/deliveries?state=set_aside"); len(aside) != 0 || len(numbers) != rings {
		t.Errorf("set aside %v, heard %v", aside, numbers)
	}
}

// TestAttack56_AStormDelaysNobodyElse: while thousands of events wait in one
// workspace, another's are heard as they come.
func TestAttack56_AStormDelaysNobodyElse(t *testing.T) {
	w := newWorld(t, "hostile/ping", "hostile/pong")
	acme, beta := w.table(w.SignUp("alice"), "Acme"), w.table(w.SignUp("bob"), "Beta")
	for range 3 {
		acme.Call("ping", "POST /ring", body{"times": 2_000}).want(204)
	}
	for n := 1; n <= 5; n++ {
		beta.Call("ping", "POST /ring", body{"times": 1}).want(204)
		w.eventually(beta, "pong", "/heard", n)
	}
	if left := acme.API("GET", "/deliveries?state=pending&limit=1", nil).want(200).list("data"); len(left) == 0 {
		t.Error("the storm was over before the others were heard: it proves nothing")
	}
}

// TestFault13_EachInstallationOnce: an event with several receivers has one effect
// in each, also when everything is stopped and started in the middle of it.
func TestFault13_EachInstallationOnce(t *testing.T) {
	const rings = 300
	w := newWorld(t, "hostile/ping", "hostile/pong", "hostile/probe")
	alice := w.SignUp("alice")
	acme := w.table(alice, "Acme")
	acme.Install("probe") // which listens to all of ping's
	acme.Call("ping", "POST /ring", body{"times": rings}).want(204)
	w.eventually(acme, "pong", "/heard", 1)
	w.restart()
	for _, plugin := range []string{"pong", "probe"} {
		heard := map[any]int{}
		for _, one := range w.eventually(acme, plugin, "/heard", rings) {
			heard[one["event"]]++
		}
		for id, n := range heard {
			if n != 1 {
				t.Errorf("%s heard %v %d times", plugin, id, n)
			}
		}
		if len(heard) != rings {
			t.Errorf("%s heard of %d events, want %d", plugin, len(heard), rings)
		}
	}
}

// TestFault21_DownAndBackAgain: what is told while a listener is off reaches it
// when it is on, none of it lost and none twice; being off counts as no attempt.
func TestFault21_DownAndBackAgain(t *testing.T) {
	const rings = 60
	w := newWorld(t, "hostile/ping", "hostile/pong")
	acme := w.table(w.SignUp("alice"), "Acme")
	acme.API("PATCH", "/installations/pong", body{"state": "disabled"}).want(200)
	for range 3 {
		acme.Call("ping", "POST /ring", body{"times": rings / 3}).want(204)
		w.restart() // days pass
	}
	w.eventually(acme, "", "/deliveries?state=held", rings)
	acme.API("PATCH", "/installations/pong", body{"state": "enabled"}).want(200)
	numbers := map[any]int{}
	for _, one := range w.eventually(acme, "pong", "/heard", rings) {
		numbers[one["number"]]++
	}
	for n := range rings / 3 {
		if numbers[float64(n)] != 3 {
			t.Errorf("%d was heard %d times, want 3", n, numbers[float64(n)])
		}
	}
	if done := acme.all("", "/deliveries?state=done"); len(done) != rings || slices.ContainsFunc(done, func(d map[string]any) bool { return d["attempt"] != 1.0 }) {
		t.Errorf("%d deliveries are done: %v", len(done), done)
	}
}
