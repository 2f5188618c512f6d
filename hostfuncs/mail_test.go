package hostfuncs_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/smtp"
	"github.com/carrel-dev/carrel/adapters/smtp/smtptest"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

const mailPassword = "canary-pass-51aa"

// post is a Post that reaches this machine's servers and trusts one of them.
func post(s *smtptest.Server) *hostfuncs.Post {
	mailer := smtp.New(smtp.Config{Private: true, Roots: s.Roots})
	return hostfuncs.NewPost(make([]byte, 32), nil, func(ctx context.Context, server core.MailServer) (hostfuncs.MailConnection, error) {
		c, err := mailer.Connect(ctx, server)
		if err != nil {
			return nil, err
		}
		return c, nil
	})
}

// sender binds an action whose settings name a server.
func (b *bench) sender(p *hostfuncs.Post, s *smtptest.Server, change ...func(*hostfuncs.Binding)) handler {
	b.t.Helper()
	settings, err := json.Marshal(map[string]any{"smtp": map[string]any{
		"host": smtptest.Host, "port": s.Port, "username": "office", "security": "tls", "fromName": "Office", "fromAddress": "office@example.com",
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	h := b.bind(abi.KindAction, append([]func(*hostfuncs.Binding){func(b *hostfuncs.Binding) {
		b.Post, b.Installation.Settings = p, settings
		b.Secret = func(...string) (core.Secret, error) { return mailPassword, nil }
	}}, change...)...)
	b.t.Cleanup(h.Close)
	return h
}

func secured(t *testing.T, refuse func(step, what string) *smtptest.Refusal) *smtptest.Server {
	return smtptest.Start(t, smtptest.Options{Security: smtptest.TLS, Username: "office", Password: mailPassword, Refuse: refuse})
}

const aMail = `{"key":"receipt-1","to":"ada@example.org","subject":"Receipt","text":"Thank you"}`

func sent(t *testing.T, answer string) (r abi.MailResponse) {
	t.Helper()
	if err := json.Unmarshal([]byte(answer), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMail(t *testing.T) {
	b, s := newBench(t), secured(t, nil)
	p := post(s)
	h := b.sender(p, s)
	first := sent(t, h.ask(t, abi.OpMailSend, aMail))
	if first.Outcome != abi.MailAccepted || first.Code != 0 || first.Reason != "" || !strings.HasSuffix(first.MessageID, "@example.com>") {
		t.Errorf("%+v", first)
	}
	got := s.Next(t)
	if got.User != "office" || got.To != "ada@example.org" || !strings.Contains(got.Data, "Message-ID: "+first.MessageID) || !strings.Contains(got.Data, "Thank you") {
		t.Errorf("%+v", got)
	}
	// The same key has the same Message-ID, in another run too; another key, and
	// another installation, have another.
	again := sent(t, b.sender(p, s).ask(t, abi.OpMailSend, aMail))
	other := sent(t, h.ask(t, abi.OpMailSend, strings.Replace(aMail, "receipt-1", "receipt-2", 1)))
	b.workspace()
	elsewhere := sent(t, b.sender(p, s).ask(t, abi.OpMailSend, aMail))
	if again.MessageID != first.MessageID || other.MessageID == first.MessageID || elsewhere.MessageID == first.MessageID {
		t.Errorf("%s, again %s, another key %s, elsewhere %s", first.MessageID, again.MessageID, other.MessageID, elsewhere.MessageID)
	}
}

// Refusals are answers, and the run goes on over the connection it has.
func TestMailRefused(t *testing.T) {
	s := secured(t, func(step, what string) *smtptest.Refusal {
		switch {
		case step == "RCPT TO" && what == "gone@example.org":
			return &smtptest.Refusal{Code: 550, Text: "5.1.1 no\tsuch user"}
		case step == "DATA" && strings.Contains(what, "Full"):
			return &smtptest.Refusal{Code: 452, Text: "4.2.2 mailbox full"}
		}
		return nil
	})
	h := newBench(t).sender(post(s), s)
	gone := sent(t, h.ask(t, abi.OpMailSend, strings.Replace(aMail, "ada", "gone", 1)))
	full := sent(t, h.ask(t, abi.OpMailSend, strings.Replace(aMail, "Receipt", "Full", 1)))
	taken := sent(t, h.ask(t, abi.OpMailSend, aMail))
	if gone.Outcome != abi.MailRefused || gone.Code != 550 || gone.Reason != "RCPT TO: 5.1.1 no such user" {
		t.Errorf("%+v", gone)
	}
	if full.Outcome != abi.MailDeferred || full.Code != 452 || full.Reason != "DATA: 4.2.2 mailbox full" {
		t.Errorf("%+v", full)
	}
	if taken.Outcome != abi.MailAccepted {
		t.Errorf("%+v", taken)
	}
	if opened, _ := s.Connections(); opened != 1 {
		t.Errorf("%d connections", opened)
	}
}

func TestMailThatIsWrong(t *testing.T) {
	s := secured(t, nil)
	h := newBench(t).sender(post(s), s, func(b *hostfuncs.Binding) {
		b.Budget = hostfuncs.Budget{Calls: 1000, RequestBytes: 1 << 30, ResponseBytes: 1 << 20, Mails: 1000}
	})
	for name, c := range map[string]struct {
		mail     abi.MailRequest
		location string
	}{
		"nothing":       {abi.MailRequest{}, "key"},
		"long key":      {abi.MailRequest{Key: strings.Repeat("k", 201), To: "a@b.c", Subject: "s", Text: "t"}, "key"},
		"named address": {abi.MailRequest{Key: "k", To: "Ada <a@b.c>", Subject: "s", Text: "t"}, "to"},
		"two addresses": {abi.MailRequest{Key: "k", To: "a@b.c, d@e.f", Subject: "s", Text: "t"}, "to"},
		"foreign":       {abi.MailRequest{Key: "k", To: "ä@b.c", Subject: "s", Text: "t"}, "to"},
		"reply":         {abi.MailRequest{Key: "k", To: "a@b.c", ReplyTo: "a", Subject: "s", Text: "t"}, "replyTo"},
		"long subject":  {abi.MailRequest{Key: "k", To: "a@b.c", Subject: strings.Repeat("s", 901), Text: "t"}, "subject"},
		"empty":         {abi.MailRequest{Key: "k", To: "a@b.c", Subject: "s"}, "text"},
		"header":        {abi.MailRequest{Key: "k", To: "a@b.c", Subject: "s", Text: "t", Headers: map[string]string{"Bcc": "d@e.f"}}, "headers"},
		"spelling":      {abi.MailRequest{Key: "k", To: "a@b.c", Subject: "s", Text: "t", Headers: map[string]string{"references": "<1@b.c>"}}, "headers"},
		"empty header":  {abi.MailRequest{Key: "k", To: "a@b.c", Subject: "s", Text: "t", Headers: map[string]string{"References": ""}}, "headers.References"},
		"long word":     {abi.MailRequest{Key: "k", To: "a@b.c", Subject: "s", Text: "t", Headers: map[string]string{"References": strings.Repeat("x", 901)}}, "headers.References"},
	} {
		request, err := json.Marshal(c.mail)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Call(t.Context(), abi.OpMailSend, request)
		if wrong := core.ViolationsOf(err); core.KindOf(err) != core.Invalid || len(wrong) == 0 || wrong[0].Location != c.location {
			t.Errorf("%s: %v", name, err)
		}
	}
	long, _ := json.Marshal(abi.MailRequest{Key: "k", To: "a@b.c", Subject: "s", Text: strings.Repeat("t", 600<<10), HTML: strings.Repeat("h", 600<<10)})
	h.refuse(t, abi.OpMailSend, string(long), core.TooLarge, "1048576")
	if opened, _ := s.Connections(); opened != 0 {
		t.Errorf("%d connections for mails that are wrong", opened)
	}
}

// TestAttack48_MailsHaveNoOtherHeaders: nothing a plugin or an admin writes ends
// a line of a mail's head, or of what is said to the server.
func TestAttack48_MailsHaveNoOtherHeaders(t *testing.T) {
	b, s := newBench(t), secured(t, nil)
	p := post(s)
	h := b.sender(p, s)
	for _, end := range []string{"\r\n", "\n", "\r", "\x00", "\x0b", "\u0085"} {
		evil := "x" + end + "Bcc: eve@example.net" + end
		for field, mail := range map[string]abi.MailRequest{
			"to":              {To: "a@b.c" + end + "RCPT TO:<eve@example.net>"},
			"toName":          {ToName: evil},
			"replyTo":         {ReplyTo: "a@b.c" + end},
			"subject":         {Subject: evil},
			"headers":         {Headers: map[string]string{"References" + end + "Bcc": "eve@example.net"}},
			"list":            {Headers: map[string]string{"List-Unsubscribe": "<https://a.b>" + end + "Bcc: eve@example.net"}},
			"headers.folding": {Headers: map[string]string{"References": "<1@b.c>" + end + " <2@b.c>"}},
		} {
			mail.Key, mail.Text = "k", "t"
			if mail.To == "" {
				mail.To = "a@b.c"
			}
			if mail.Subject == "" {
				mail.Subject = "s"
			}
			request, err := json.Marshal(mail)
			if err != nil {
				t.Fatal(err)
			}
			if answer, err := h.Call(t.Context(), abi.OpMailSend, request); core.KindOf(err) != core.Invalid {
				t.Errorf("%s with %q: %s, %v", field, end, answer, err)
			}
		}
		for _, name := range []string{"fromName", "fromAddress", "username", "host"} {
			settings := map[string]any{"host": smtptest.Host, "port": s.Port, "username": "office", "security": "tls", "fromAddress": "office@example.com"}
			settings[name] = fmt.Sprint(settings[name]) + end + "x"
			encoded, err := json.Marshal(map[string]any{"smtp": settings})
			if err != nil {
				t.Fatal(err)
			}
			b.sender(p, s, func(b *hostfuncs.Binding) { b.Installation.Settings = encoded }).refuse(t, abi.OpMailSend, aMail, core.Invalid, "settings.smtp."+name)
		}
	}
	s.None(t)
}

// What an admin has to complete before mail can be sent is said by its name.
func TestMailSettings(t *testing.T) {
	b, s := newBench(t), secured(t, nil)
	p := post(s)
	for settings, parts := range map[string][]string{
		``:                      {"settings.smtp.host", "is empty", "settings.smtp.fromAddress"},
		`{"smtp":{}}`:           {"settings.smtp.host"},
		`{"smtp":"x"}`:          {"settings.smtp"},
		`{"smtp":{"port":0.5}}`: {"settings.smtp"},
		`{"smtp":{"host":"a b","port":70000,"security":"ssl","fromAddress":"x"}}`:                                         {"host", "port", "starttls, tls or none", "fromAddress"},
		`{"smtp":{"host":"mail.example.com","security":"none","username":"office","fromAddress":"a@b.c","fromName":"x"}}`: {"settings.smtp.security", "for everybody to read"},
	} {
		h := b.sender(p, s, func(b *hostfuncs.Binding) { b.Installation.Settings = json.RawMessage(settings) })
		h.refuse(t, abi.OpMailSend, aMail, core.Invalid, parts...)
	}
	b.sender(nil, s).refuse(t, abi.OpMailSend, aMail, core.Denied, "sends no mail")
}

// TestAttack34_MailFloods: a run has a budget of mails, and a workspace one for
// each minute, which is nobody else's.
func TestAttack34_MailFloods(t *testing.T) {
	b, s := newBench(t), secured(t, nil)
	p := post(s)
	h := b.sender(p, s)
	for range hostfuncs.DefaultBudget.Mails {
		h.ask(t, abi.OpMailSend, aMail)
	}
	h.refuse(t, abi.OpMailSend, aMail, core.TooLarge, "50 mails", "jobs.schedule")
	for limited := false; !limited; { // within the minute, or the two that this takes at most
		h := b.sender(p, s)
		for range hostfuncs.DefaultBudget.Mails {
			_, err := h.Call(t.Context(), abi.OpMailSend, []byte(aMail))
			if limited = core.KindOf(err) == core.RateLimited; limited {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	b.workspace()
	b.sender(p, s).ask(t, abi.OpMailSend, aMail) // another workspace goes on
}

// TestAttack62_MailConnectionsAreOfOneRun: a run has its connection alone, and
// takes it along when it ends; the next run, of whichever workspace, signs in
// anew.
func TestAttack62_MailConnectionsAreOfOneRun(t *testing.T) {
	b, s := newBench(t), secured(t, nil)
	p := post(s)
	for runs := 1; runs <= 3; runs++ {
		h := b.sender(p, s)
		h.ask(t, abi.OpMailSend, aMail)
		h.ask(t, abi.OpMailSend, aMail)
		if opened, open := s.Connections(); opened != runs || open < 1 {
			t.Errorf("after %d runs %d connections, %d of them open", runs, opened, open)
		}
		h.Close()
		b.workspace()
	}
}

// TestAttack63_ThePasswordStaysWithTheHost: no answer and no error of any
// operation holds it, whatever the server repeats.
func TestAttack63_ThePasswordStaysWithTheHost(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString([]byte(mailPassword))
	both := base64.StdEncoding.EncodeToString([]byte("\x00office\x00" + mailPassword))
	var signIn *smtptest.Refusal
	echo := &smtptest.Refusal{Code: 550, Text: "I know " + mailPassword + " and " + plain + " and " + both}
	s := smtptest.Start(t, smtptest.Options{
		Security: smtptest.TLS, Username: "office", Password: mailPassword,
		SignIn: func(_, given string) *smtptest.Refusal { return signIn },
		Refuse: func(step, what string) *smtptest.Refusal {
			switch step {
			case "MAIL FROM":
				return echo
			default:
				return &smtptest.Refusal{Code: 550, Text: "no " + what}
			}
		},
	})
	b := newBench(t)
	h := b.sender(post(s), s)
	answer := h.ask(t, abi.OpMailSend, aMail)
	signIn = &smtptest.Refusal{Code: 535, Text: "wrong: " + mailPassword + " " + plain}
	_, err := b.sender(post(s), s).Call(t.Context(), abi.OpMailSend, []byte(aMail))
	if core.KindOf(err) != core.Unavailable {
		t.Fatal(err)
	}
	for _, text := range []string{answer, err.Error(), core.MessageOf(err), h.ask(t, abi.OpSettingsGet, `{}`)} {
		for _, form := range []string{mailPassword, plain, both} {
			if strings.Contains(text, form) {
				t.Errorf("the password is in %s", text)
			}
		}
	}
	if !strings.Contains(answer, "I know … and … and …") {
		t.Errorf("the reason is %s", answer)
	}
	// Nor can it be found out by writing to it: a right guess looks like a wrong one.
	echo, signIn = nil, nil
	for _, guess := range []string{mailPassword, "wrong-guess"} {
		answer := b.sender(post(s), s).ask(t, abi.OpMailSend, strings.Replace(aMail, "ada", guess, 1))
		if !strings.Contains(answer, "no "+guess+"@example.org") {
			t.Errorf("who guesses %s is told %s", guess, answer)
		}
	}
}

// FuzzAttack48_MailHeads: a mail that is not refused arrives with one field of
// each name that was asked for, none that was not, for one recipient.
func FuzzAttack48_MailHeads(f *testing.F) {
	f.Add("k", "ada@example.org", "Ada", "help@example.com", "Hello", "<https://a.b/c>", "<1@b.c> <2@b.c>")
	f.Add("k", "ada@example.org", "Ä \"x\" <y>", "", "=?utf-8?q?a=0Ab?= Ü", "x\r\nBcc: eve@example.net", "=?utf-8?q?=0D=0A?=")
	f.Add("k", "ada@example.org\r\nDATA", " ", "a@b.c>", strings.Repeat("ü ", 300), strings.Repeat("x", 900), strings.Repeat("y ", 4000))
	b := newBench(f)
	s := smtptest.Start(f, smtptest.Options{})
	p := post(s)
	settings := json.RawMessage(fmt.Sprintf(`{"smtp":{"host":%q,"port":%d,"security":"none","fromName":"Büro, \"x\" <y@b.c>","fromAddress":"office@example.com"}}`, smtptest.Host, s.Port))
	f.Fuzz(func(t *testing.T, key, to, toName, replyTo, subject, unsubscribe, references string) {
		mail := abi.MailRequest{
			Key: key, To: to, ToName: toName, ReplyTo: replyTo, Subject: subject, Text: "text", HTML: "<p>",
			Headers: map[string]string{"List-Unsubscribe": unsubscribe, "References": references},
		}
		request, err := json.Marshal(mail)
		if err != nil {
			t.Fatal(err)
		}
		h := b.bind(abi.KindAction, func(b *hostfuncs.Binding) { b.Post, b.Installation.Settings = p, settings })
		defer h.Close()
		b.workspace() // the next one has a minute of its own
		answer, err := h.Call(t.Context(), abi.OpMailSend, request)
		if core.KindOf(err) == core.Invalid {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if r := sent(t, string(answer)); r.Outcome != abi.MailAccepted { // the server's rules of addresses are other ones
			if r.Code/100 != 5 || strings.HasPrefix(r.Reason, "DATA") {
				t.Errorf("%+v", r)
			}
			return
		}
		got := s.Next(t)
		m, err := netmail.ReadMessage(strings.NewReader(got.Data))
		if err != nil {
			t.Fatalf("%v in %q", err, got.Data)
		}
		fields := []string{"Content-Type", "Date", "From", "List-Unsubscribe", "Message-Id", "Mime-Version", "References", "Subject", "To"}
		if replyTo != "" {
			fields = append(fields, "Reply-To")
		}
		slices.Sort(fields)
		if names := slices.Sorted(maps.Keys(m.Header)); !slices.Equal(names, fields) {
			t.Errorf("the head has %v, not %v: %q", names, fields, got.Data)
		}
		for name, values := range m.Header {
			if len(values) != 1 {
				t.Errorf("%s is there %d times", name, len(values))
			}
		}
		recipients, err := m.Header.AddressList("To")
		if err != nil || len(recipients) != 1 || recipients[0].Address != to || got.To != to {
			t.Errorf("for %v, %v, and said to be for %q; asked was %q", recipients, err, got.To, to)
		}
		for line := range strings.SplitSeq(got.Data, "\r\n") {
			if len(line) > 998 {
				t.Errorf("a line of %d bytes", len(line))
			}
		}
	})
}
