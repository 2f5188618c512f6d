package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// peopleCSV is a file of so many contacts, all good.
func peopleCSV(rows int) []byte {
	var b strings.Builder
	b.WriteString("email,name\n")
	for i := range rows {
		fmt.Fprintf(&b, "%s,\"Person, number %d\"\n", rowEmail(i), i)
	}
	return []byte(b.String())
}

// importToWelcome begins a story in the console: somebody signs in, makes a
// workspace, installs CRM and Email with a mail server in its settings, and uploads
// so many contacts. Their import has begun then.
func (b *browser) importToWelcome(somebody *person, box *mailbox, rows int) member {
	b.Helper()
	b.signIn(somebody)
	b.newWorkspace("Acme")
	b.install("CRM", nil)
	b.install("Email", box.settings())
	b.upload(peopleCSV(rows))
	return As(somebody).In("acme")
}

// seesImported waits until the page says that each row became a contact.
func (b *browser) seesImported(rows int) {
	b.Helper()
	b.sees(fmt.Sprintf("Rows\n%d of %d", rows, rows))
	b.sees(fmt.Sprintf("Created\n%d", rows))
}

// seesAllSent looks at the end of that story in the console: each row became a
// contact, each message was sent, and no work was set aside.
func (b *browser) seesAllSent(rows int) {
	b.Helper()
	b.open("/console/w/acme/p/crm/imports")
	b.seesImported(rows)
	b.picture("imports")
	b.open("/console/w/acme/p/email/outbox?status=sent")
	b.picture("outbox")
	if listed, pages := b.leaf(); listed != rows {
		b.Errorf("the outbox shows %d sent mails on %d pages, want %d", listed, pages, rows)
	}
	b.open("/console/w/acme/deliveries?state=set_aside")
	b.sees("Nothing was set aside")
}

// TestAnImportWelcomesEachContactOnce goes the whole way of a tenant in a real
// browser, from signing in to the outbox: a file of 1,000 contacts makes 1,000
// mails at the mail server, one for each.
func TestAnImportWelcomesEachContactOnce(t *testing.T) {
	const rows = 1000
	if testing.Short() {
		t.Skip("a workspace sends 600 mails a minute, so this takes a minute")
	}
	w := newWorld(t, "crm", "email")
	b, box := newBrowser(t, w.url), newMailbox(t)
	acme := b.importToWelcome(w.SignUp("alice"), box, rows)
	begun := time.Now()
	b.seesImported(rows) // the page follows the import by itself
	box.until("1,000 mails", 4*time.Minute, func(_ map[string][]letter, total int) bool { return total >= rows })
	w.eventually(acme, "email", "/messages?filter[status]=sent", rows)
	t.Logf("%d mails in %v", rows, time.Since(begun))
	b.seesAllSent(rows)
	checkOutbox(t, acme, box, rows)
	for to, mails := range box.all() {
		if len(mails) != 1 {
			t.Errorf("%s got %d mails", to, len(mails))
		}
	}
}

// TestFault02_KillWhileMailIsSent kills the server with -9 while a file, uploaded
// in a browser, is imported and each contact of it is welcomed. Every contact gets
// its mail; what comes twice has the same Message-ID; the outbox and the events
// know of one mail each; and the browser is still signed in and sees all of it.
func TestFault02_KillWhileMailIsSent(t *testing.T) {
	elsewhere(t)
	const kills, rows = 20, 1000
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 3))
	t.Logf("seed %d", seed)
	p := newProcess(t, "crm", "email")
	b, box := newBrowser(t, p.url), newMailbox(t)
	alice := p.world().join("alice", p.setup)
	acme := b.importToWelcome(alice, box, rows)

	var killedAt []int
	for n := range kills {
		came, enough := 0, 1+n*rows/kills+random.IntN(rows/kills/2) // mails before it is killed
		box.until("another mail", time.Minute, func(mails map[string][]letter, _ int) bool {
			came = len(mails)
			return came >= enough
		})
		if came == rows {
			break
		}
		time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond)))) // anywhere in what happens next
		p.kill()
		killedAt = append(killedAt, came)
		p.start()
		alice.w = p.world()
	}
	histogram(t, killedAt, rows)
	if len(killedAt) < kills {
		t.Errorf("only %d of %d kills were while mail was sent", len(killedAt), kills)
	}
	box.until("a mail for everybody", 3*time.Minute, func(mails map[string][]letter, _ int) bool { return len(mails) == rows })
	p.world().eventually(acme, "email", "/messages?filter[status]=sent", rows)
	b.url = p.url // each start is at another port
	b.seesAllSent(rows)
	checkOutbox(t, acme, box, rows)
	repeats := map[int]int{}
	for to, mails := range box.all() {
		repeats[len(mails)]++
		for _, one := range mails {
			if one.messageID != mails[0].messageID {
				t.Errorf("%s got two mails: %s and %s", to, mails[0].messageID, one.messageID)
			}
		}
	}
	for n := 1; len(repeats) > 0; n++ {
		if repeats[n] > 0 {
			t.Logf("%4d got it %d times", repeats[n], n)
			delete(repeats, n)
		}
	}
}

// checkOutbox compares what came with what the outbox and the events say: one
// mail for each contact of peopleCSV, with a Message-ID of its own.
func checkOutbox(t *testing.T, acme member, box *mailbox, rows int) {
	t.Helper()
	came := box.all()
	ids := map[string]string{}
	for _, message := range acme.all("email", "/messages") {
		to := fmt.Sprint(message["to"])
		if len(came[to]) == 0 || message["status"] != "sent" || message["providerId"] != came[to][0].messageID {
			t.Errorf("the outbox has %v %v %v, and to that address came %d mails", to, message["status"], message["providerId"], len(came[to]))
		}
		if other, taken := ids[fmt.Sprint(message["providerId"])]; taken {
			t.Errorf("%s and %s have the same Message-ID", to, other)
		}
		ids[fmt.Sprint(message["providerId"])] = to
	}
	sent := acme.count("email.sent", "to")
	for i := range rows {
		if to := rowEmail(i); len(came[to]) == 0 || sent[to] != 1 {
			t.Errorf("%s got %d mails, and was told of %d times", to, len(came[to]), sent[to])
		}
	}
	if len(came) != rows || len(ids) != rows || len(sent) != rows {
		t.Errorf("mail came to %d addresses, the outbox has %d messages, %d were told of; want %d", len(came), len(ids), len(sent), rows)
	}
	if left := acme.API("GET", "/deliveries?state=set_aside", nil).want(200).list("data"); len(left) != 0 {
		t.Errorf("set aside: %v", left)
	}
}
