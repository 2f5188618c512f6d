package e2e

import (
	"bufio"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
)

// withMetrics has a server serve them, to this machine.
func withMetrics(cfg *app.Config) { cfg.MetricsAddr = "127.0.0.1:0" }

// scrape reads the metrics as Prometheus does.
func (w *world) scrape() string {
	w.Helper()
	return scrape(w.T, w.app.MetricsURL())
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", response.Status, err)
	}
	return string(text)
}

// samples are the values of metrics, by name and labels.
func (w *world) samples() map[string]float64 {
	w.Helper()
	return samples(w.T, w.scrape())
}

func samples(t *testing.T, text string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		values[line[:at]] = value
	}
	return values
}

// counts waits until counters have moved by as much as is wanted, and fails when
// one of them moves further.
func (w *world) counts(before map[string]float64, want map[string]float64) {
	w.Helper()
	var off string
	// Again and again, as who scrapes would: there is no signal for it.
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		now := w.samples()
		off = ""
		for name, n := range want {
			if moved := now[name] - before[name]; moved != n {
				off += "\n" + name + " moved by " + strconv.FormatFloat(moved, 'g', -1, 64) + ", want " + strconv.FormatFloat(n, 'g', -1, 64)
			}
		}
		if off == "" {
			return
		}
	}
	w.Error("metrics:", off)
}

// TestMetricsCountWhatWasDone: what is counted moves by exactly what was done.
func TestMetricsCountWhatWasDone(t *testing.T) {
	w := newWorldWith(t, withMetrics, "crm", "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	acme.Install("probe")
	add := func(email, name string) answer {
		return acme.Call("crm", "POST /contacts", body{"email": email, "name": name})
	}
	add("first@example.com", "First").want(201)
	w.eventually(acme, "probe", "/heard", 1) // both plugins are ready, and nothing is under way
	before := w.samples()

	add("a@example.com", "Ada").want(201)
	add("b@example.com", "Bert").want(201)
	add("p@example.com", "poison").want(201) // which the probe refuses to hear
	add("a@example.com", "Twice").want(409)
	acme.Call("crm", "GET /nowhere", nil).want(404)
	w.SignUp("nobody").send("GET", "/w/acme/crm/contacts", nil).want(404)

	const plugins = `method="POST",route="/w/:ws/:plugin/*",status=`
	w.counts(before, map[string]float64{
		`carrel_http_request_seconds_count{` + plugins + `"201"}`:                                  3,
		`carrel_http_request_seconds_count{` + plugins + `"409"}`:                                  1,
		`carrel_invocation_seconds_count{kind="mutation",outcome="ok",trigger="request"}`:          3,
		`carrel_invocation_fuel_count{kind="mutation",outcome="ok",trigger="request"}`:             3,
		`carrel_invocation_seconds_count{kind="mutation",outcome="guest_error",trigger="request"}`: 1,
		`carrel_invocation_seconds_count{kind="mutation",outcome="ok",trigger="event"}`:            2,
		`carrel_invocation_seconds_count{kind="mutation",outcome="guest_error",trigger="event"}`:   1,
		`carrel_host_operation_seconds_count{operation="events.emit",result="ok"}`:                 3 + 1,     // and in the run that took an address for free
		`carrel_store_seconds_count{operation="commit",result="ok"}`:                               3 + 2 + 1, // the last sets the poison aside
		`carrel_delivery_attempts_total{became="done",of="event"}`:                                 2,
		`carrel_delivery_attempts_total{became="set_aside",of="event"}`:                            1,
		`carrel_delivery_late_seconds_count{of="event"}`:                                           3,
		`carrel_modules_made_ready_total{from="compiler"}`:                                         0,
		`carrel_delivery_backlog_seconds`:                                                          0,
		`carrel_invocation_records_lost_total`:                                                     0,
		`carrel_delivery_attempts`:                                                                 0,
		`carrel_db_connections{pool="read",state="busy"}`:                                          0,
	})
	now := w.samples()
	for name, least := range map[string]float64{
		`carrel_commits_total`: before[`carrel_commits_total`] + 6, `carrel_commit_groups_total`: before[`carrel_commit_groups_total`] + 1,
		`carrel_modules`: 2, `carrel_modules_bytes`: 1 << 20, `carrel_instances{state="idle"}`: 2, `carrel_instances_max`: 100,
		`go_goroutines`: 10, `carrel_build_info{version="` + app.Version + `"}`: 1,
	} {
		if now[name] < least {
			t.Errorf("%s is %v, want at least %v", name, now[name], least)
		}
	}
	if late := now[`carrel_delivery_late_seconds_sum{of="event"}`]; late <= 0 || late > 30 {
		t.Errorf("4 deliveries began %v s late together", late)
	}
}

// idOf finds every id there is.
var idOf = regexp.MustCompile(`\b(ws|acc|ses|tok|ins|doc|inv|evt|dlv|con|req)_[0-9a-f]`)

// TestAttack11_MetricsNameNobody: metrics hold nothing that is a workspace's, and
// a stranger who asks for many addresses does not make them grow.
func TestAttack11_MetricsNameNobody(t *testing.T) {
	w := newWorldWith(t, withMetrics, "crm")
	alice := w.SignUp("alice-" + canary)
	acme := As(alice).In(As(alice).Workspace("acme-"+canary, "enterprise"))
	acme.API("POST", "/installations", body{"plugin": "crm", "alias": canary, "grants": acme.asked("crm")}).want(201)
	contact := acme.Call(canary, "POST /contacts", body{"email": "c@" + canary + ".com", "name": canary}).want(201).text("id")
	acme.Call(canary, "GET /contacts/"+contact, nil).want(200)
	acme.Call(canary, "GET /contacts/"+canary, nil).want(404)
	stranger := w.SignUp("bob")
	probe := func() {
		for range 20 {
			stranger.send("GET", "/w/"+canary+unique()+"/"+unique()+"/x", nil).want(404)
			stranger.send("GET", "/"+canary+unique(), nil).want(404)
			stranger.send("GET", "/api/v1/workspaces/"+canary+unique(), nil).want(404)
		}
	}
	probe()
	series := len(w.samples())
	probe()
	if n := len(w.samples()); n != series {
		t.Errorf("%d series became %d as somebody asked for more addresses", series, n)
	}
	w.nobodyIn(w.scrape())

	// They are served there, and nowhere else.
	base := strings.TrimSuffix(w.app.MetricsURL(), "/metrics")
	for _, address := range []string{w.url + "/metrics", base + "/debug/pprof/", base + "/metrics/x"} {
		response, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", address, response.Status)
		}
	}
}

// nobodyIn fails when metrics hold a canary or an id.
func (w *world) nobodyIn(metrics string) {
	w.Helper()
	for line := range strings.Lines(metrics) {
		if strings.Contains(line, canary) || idOf.MatchString(line) {
			w.Errorf("a metric names somebody: %s", line)
		}
	}
}
