package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFault01_KillDuringImport kills the server with -9 while files are being
// imported, as many as it takes, and a client adds contacts, and starts it again,
// many times. What was acknowledged must be there, once; nothing may be there by
// half.
func TestFault01_KillDuringImport(t *testing.T) {
	elsewhere(t)
	kills := 50
	if testing.Short() {
		kills = 5
	}
	const rows = 5_000 // of a file
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)

	p := newProcess(t, "crm")
	alice := p.world().join("alice", p.setup)
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	c := &adder{member: acme, prefix: "single"}
	var files []string
	upload := func() string {
		file := contactsCSV(len(files)*rows, rows)
		files = append(files, acme.Call("crm", "POST /contacts/import", []byte(file)).want(202).text("id"))
		return files[len(files)-1]
	}

	var killedAt []int
	for id, acknowledged := upload(), 0; len(killedAt) < kills; {
		seen, done := c.progress(id, acknowledged)
		if seen < acknowledged {
			t.Fatalf("%d rows were acknowledged, and now it is %d", acknowledged, seen)
		}
		if acknowledged = seen; done {
			id, acknowledged = upload(), 0
			continue
		}
		killedAt = append(killedAt, acknowledged)
		life := time.Duration(random.Int64N(int64(80 * time.Millisecond)))
		for end := time.Now().Add(life); time.Now().Before(end); {
			c.add()
		}
		p.kill()
		p.start()
		alice.w = p.world()
	}
	histogram(t, killedAt, rows)

	const bad = rows / badEvery
	emails := c.acknowledged
	for n, id := range files {
		report := p.world().imports(c.member, id)
		if report.number("created") != rows-bad || report.number("failed") != bad || report.number("processed") != rows {
			t.Errorf("the report of file %d says %s", n, report.raw)
		}
		for i := n * rows; i < (n+1)*rows; i++ {
			if i%badEvery != badEvery-1 {
				emails = append(emails, rowEmail(i))
			}
		}
	}
	c.checkAdded(emails)
	t.Logf("%d kills, %d rows imported, %d contacts added one by one, %d of them answered by a receipt",
		len(killedAt), len(files)*(rows-bad), len(c.acknowledged), c.replayed)
}

const badEvery = 50 // of a file's rows, every so manieth has no address

func rowEmail(i int) string { return fmt.Sprintf("row%06d@example.com", i) }

// contactsCSV is a file of contacts from a row on, some of them bad.
func contactsCSV(first, rows int) string {
	var b strings.Builder
	b.WriteString("email,name,phone\n")
	for i := first; i < first+rows; i++ {
		email := rowEmail(i)
		if i%badEvery == badEvery-1 {
			email = "not an address"
		}
		fmt.Fprintf(&b, "%s,\"Person, number %d\",+33 %d\n", email, i, i)
	}
	return b.String()
}

// adder adds contacts one by one, noting what was acknowledged. After a kill
// it doesn't know what became of its last request, so it sends it again with
// the same key: on several nodes to any of those in use.
type adder struct {
	member
	prefix       string
	nodes        *nodes     // nil: the member's server
	random       *rand.Rand // which node is next
	next         int
	acknowledged []string
	replayed     int
	refused      map[int]int // other answers, by status; 0 is none
	slowest      time.Duration
	comeBack     time.Duration // how long to wait after the last try, which was not acknowledged
}

// add makes one try, and reports whether it was acknowledged.
func (c *adder) add() bool {
	email := fmt.Sprintf("%s%d@example.com", c.prefix, c.next)
	m, answered := c.member, func() {}
	if c.nodes != nil {
		m, answered = c.nodes.any(c.random, c.member)
	}
	began := time.Now()
	a, err := m.try("POST", "/w/"+c.workspace+"/crm/contacts", body{"email": email, "name": "n"}, header{"Idempotency-Key", email})
	c.slowest = max(c.slowest, time.Since(began))
	if err != nil || a.status != 201 {
		if c.refused == nil {
			c.refused = map[int]int{}
		}
		c.refused[a.status]++ // killed meanwhile, or can't: the next call sends the same
		if c.comeBack = 20 * time.Millisecond; a.header.Get("Retry-After") != "" {
			c.comeBack = time.Second // and nothing asks for more
		}
		return false
	}
	answered()
	if a.header.Get("Idempotency-Replayed") != "" {
		c.replayed++
	}
	c.acknowledged = append(c.acknowledged, email)
	c.next++
	return true
}

// checkAdded compares the contacts with the addresses of those that must be there:
// each once, announced once, counted once, and no others.
func (m member) checkAdded(emails []string) {
	m.w.Helper()
	got, announced := map[string]int{}, map[string]int{}
	for _, contact := range m.all("crm", "/contacts") {
		got[contact["email"].(string)]++
	}
	for _, event := range m.all("", "/events?type=crm.contact.created") {
		announced[event["data"].(map[string]any)["email"].(string)]++
	}
	for _, email := range emails {
		if got[email] != 1 || announced[email] != 1 {
			m.w.Errorf("%s was acknowledged, is there %d times, and was announced %d times", email, got[email], announced[email])
		}
	}
	if len(got) != len(emails) || len(announced) != len(emails) {
		m.w.Errorf("%d contacts, of which %d were announced, want %d", len(got), len(announced), len(emails))
	}
	usage := m.API("GET", "/usage", nil).want(200).list("data")
	i := slices.IndexFunc(usage, func(u any) bool { return u.(map[string]any)["meter"] == "crm.contacts" })
	if i < 0 || usage[i].(map[string]any)["quantity"] != float64(len(emails)) {
		m.w.Errorf("usage is %v, want %d contacts", usage, len(emails))
	}
}

// progress waits until more rows are acknowledged than before.
func (c *adder) progress(id string, before int) (processed int, done bool) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		report := c.Call("crm", "GET /imports/"+id, nil).want(200)
		processed, done = report.number("processed"), report.text("status") == "done"
		if done || processed != before {
			return processed, done
		}
	}
	c.w.Fatalf("no row after row %d was imported in a minute", before)
	return 0, false
}

// all reads a whole list of a plugin, or of the platform.
func (m member) all(plugin, path string) (items []map[string]any) {
	m.w.Helper()
	for cursor := ""; ; {
		var a answer
		query := path + "?limit=200"
		if strings.Contains(path, "?") {
			query = path + "&limit=200"
		}
		if cursor != "" {
			query += "&cursor=" + cursor
		}
		if plugin == "" {
			a = m.API("GET", query, nil).want(200)
		} else {
			a = m.Call(plugin, "GET "+query, nil).want(200)
		}
		for _, item := range a.list("data") {
			items = append(items, item.(map[string]any))
		}
		if cursor, _ = a.object()["nextCursor"].(string); cursor == "" {
			return items
		}
	}
}

// histogram shows how the kills were spread over the import.
func histogram(t *testing.T, at []int, rows int) {
	var tenths [10]int
	for _, n := range at {
		tenths[min(n*10/rows, 9)]++
	}
	for i, n := range tenths {
		t.Logf("killed at %3d%% to %3d%%: %s %d", i*10, i*10+10, strings.Repeat("#", n), n)
	}
}
