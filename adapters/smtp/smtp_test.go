package smtp_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/smtp"
	"github.com/carrel-dev/carrel/adapters/smtp/smtptest"
	"github.com/carrel-dev/carrel/core"
)

const password = "canary-pass-9c1f"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func mail(subject string) core.Mail {
	return core.Mail{MessageID: "abc@example.com", Date: noon, To: "ada@example.org", Subject: subject, Text: "Dear Ada"}
}

// settings are those of somebody who sends through a server.
func settings(s *smtptest.Server, security core.MailSecurity) core.MailServer {
	return core.MailServer{
		Host: smtptest.Host, Port: s.Port, Username: "office", Password: password, Security: security,
		FromName: "Büro", FromAddress: "office@example.com",
	}
}

// mailer reaches servers of this machine, and trusts this one.
func mailer(s *smtptest.Server) *smtp.Mailer {
	return smtp.New(smtp.Config{Private: true, Roots: s.Roots})
}

func connect(t *testing.T, m *smtp.Mailer, server core.MailServer) *smtp.Connection {
	t.Helper()
	c, err := m.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(core.MessageOf(err), err)
	}
	t.Cleanup(c.Close)
	return c
}

func send(t *testing.T, c *smtp.Connection, m core.Mail) core.MailReply {
	t.Helper()
	reply, err := c.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// refuse expects an error of a kind whose message holds the parts, and which
// holds the password nowhere.
func refuse(t *testing.T, err error, kind core.Kind, parts ...string) {
	t.Helper()
	if core.KindOf(err) != kind {
		t.Fatalf("%v, want %s", err, kind)
	}
	for _, part := range parts {
		if !strings.Contains(core.MessageOf(err), part) {
			t.Errorf("%q does not name %q", core.MessageOf(err), part)
		}
	}
	for _, form := range []string{password, base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString([]byte("\x00office\x00" + password))} {
		if strings.Contains(err.Error(), form) {
			t.Errorf("the password is in %q", err)
		}
	}
}

func TestSecurity(t *testing.T) {
	for name, c := range map[string]struct {
		offered smtptest.Security
		login   bool
		asked   core.MailSecurity
	}{
		"starttls":           {smtptest.STARTTLS, false, core.MailSTARTTLS},
		"tls":                {smtptest.TLS, false, core.MailTLS},
		"starttls and LOGIN": {smtptest.STARTTLS, true, core.MailSTARTTLS},
		"tls and LOGIN":      {smtptest.TLS, true, core.MailTLS},
	} {
		t.Run(name, func(t *testing.T) {
			s := smtptest.Start(t, smtptest.Options{Security: c.offered, Username: "office", Password: password, Login: c.login})
			send(t, connect(t, mailer(s), settings(s, c.asked)), mail("Hello"))
			if got := s.Next(t); got.User != "office" || got.From != "office@example.com" || got.To != "ada@example.org" {
				t.Errorf("%+v", got)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		s := smtptest.Start(t, smtptest.Options{})
		server := settings(s, core.MailPlain)
		server.Username, server.Password = "", ""
		send(t, connect(t, mailer(s), server), mail("Hello"))
		s.Next(t)
	})
}

// Without the encryption that the settings ask for, nobody signs in.
func TestAPasswordIsNotSentInTheClear(t *testing.T) {
	signed := func(string, string) *smtptest.Refusal { t.Error("somebody signed in"); return nil }
	plain := smtptest.Start(t, smtptest.Options{Username: "office", Password: password, SignIn: signed})
	for security, parts := range map[core.MailSecurity][]string{
		core.MailSTARTTLS: {"does not offer STARTTLS", "smtp.security"}, core.MailTLS: {"not encrypted from the start", "starttls"},
	} {
		_, err := mailer(plain).Connect(t.Context(), settings(plain, security))
		refuse(t, err, core.Unavailable, parts...)
	}
	_, err := mailer(plain).Connect(t.Context(), settings(plain, core.MailPlain))
	refuse(t, err, core.Invalid, "smtp.security")

	strangers := smtptest.Start(t, smtptest.Options{Security: smtptest.TLS, Username: "office", Password: password, SignIn: signed})
	starting := smtptest.Start(t, smtptest.Options{Security: smtptest.STARTTLS, Username: "office", Password: password, SignIn: signed})
	_, err = smtp.New(smtp.Config{Private: true}).Connect(t.Context(), settings(strangers, core.MailTLS))
	refuse(t, err, core.Unavailable, "certificate", "not valid")
	_, err = smtp.New(smtp.Config{Private: true}).Connect(t.Context(), settings(starting, core.MailSTARTTLS))
	refuse(t, err, core.Unavailable, "certificate", "not valid")
}

// A server that knows the password may say it again. It gets no further.
func TestASignInThatIsRefusedSaysNothingOfThePassword(t *testing.T) {
	s := smtptest.Start(t, smtptest.Options{
		Security: smtptest.TLS, Username: "office", Password: "another",
		SignIn: func(_, given string) *smtptest.Refusal { return &smtptest.Refusal{Code: 535, Text: "wrong: " + given} },
	})
	_, err := mailer(s).Connect(t.Context(), settings(s, core.MailTLS))
	refuse(t, err, core.Unavailable, "535", "smtp.username", "smtp.password")
	if _, open := s.Connections(); open > 1 {
		t.Errorf("%d connections are open", open)
	}
}

func TestRefusals(t *testing.T) {
	var refuse func(step string) *smtptest.Refusal
	s := smtptest.Start(t, smtptest.Options{
		Security: smtptest.TLS, Username: "office", Password: password,
		Refuse: func(step, _ string) *smtptest.Refusal { return refuse(step) },
	})
	c := connect(t, mailer(s), settings(s, core.MailTLS))
	for _, one := range []struct {
		step string
		code int
		text string
	}{
		{"MAIL FROM", 553, "5.7.1 not your address"}, {"RCPT TO", 550, "5.1.1 no such user"}, {"RCPT TO", 450, "4.2.1 greylisted"},
		{"DATA", 554, "5.7.1 spam"}, {"DATA", 451, "4.3.0 later"},
	} {
		refuse = func(step string) *smtptest.Refusal {
			if step != one.step {
				return nil
			}
			return &smtptest.Refusal{Code: one.code, Text: one.text}
		}
		reply := send(t, c, mail("Refused"))
		if want := (core.MailReply{Code: one.code, Stage: one.step, Text: one.text}); reply != want {
			t.Errorf("%+v, want %+v", reply, want)
		}
	}
	s.None(t)
	refuse = func(string) *smtptest.Refusal { return nil }
	if reply := send(t, c, mail("Taken")); reply.Code != 250 || !strings.Contains(s.Next(t).Data, "Taken") {
		t.Errorf("after refusals: %+v", reply)
	}
	if opened, _ := s.Connections(); opened != 1 {
		t.Errorf("%d connections for six mails", opened)
	}
}

// A server may end a connection between two mails: nothing was said of the
// second, so it goes over another one. It may end it inside of one: that mail
// may or may not have been taken on, and is not sent again behind anybody's back.
func TestAConnectionThatEnds(t *testing.T) {
	var hangUp string
	s := smtptest.Start(t, smtptest.Options{
		Security: smtptest.TLS, Username: "office", Password: password,
		Refuse: func(step, _ string) *smtptest.Refusal {
			if step != hangUp {
				return nil
			}
			hangUp = ""
			return &smtptest.Refusal{Hangup: true}
		},
	})
	c := connect(t, mailer(s), settings(s, core.MailTLS))
	send(t, c, mail("One"))
	hangUp = "MAIL FROM"
	send(t, c, mail("Two"))
	for _, subject := range []string{"One", "Two"} {
		if got := s.Next(t); !strings.Contains(got.Data, subject) {
			t.Errorf("%s is %s", subject, got.Data)
		}
	}
	if opened, _ := s.Connections(); opened != 2 {
		t.Errorf("%d connections", opened)
	}
	hangUp = "RCPT TO"
	_, err := c.Send(t.Context(), mail("Nobody"))
	refuse(t, err, core.Unavailable, "ended the connection")
	if strings.Contains(core.MessageOf(err), "may have") {
		t.Errorf("it had nothing yet: %v", err)
	}
	c = connect(t, mailer(s), settings(s, core.MailTLS))
	hangUp = "DATA"
	_, err = c.Send(t.Context(), mail("Three"))
	refuse(t, err, core.Unavailable, "may have taken the mail on")
	s.None(t)
	if n := strings.Count(strings.Join(s.Steps(), " "), "DATA"); n != 3 {
		t.Errorf("%d mails were sent, not 3: %v", n, s.Steps())
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	m := smtp.New(smtp.Config{Private: true})
	_, err = m.Connect(t.Context(), core.MailServer{Host: "127.0.0.1", Port: port, FromAddress: "a@example.com", Security: core.MailPlain})
	refuse(t, err, core.Unavailable, "could not be reached")
	_, err = m.Connect(t.Context(), core.MailServer{Host: "nowhere.invalid", Port: 587, FromAddress: "a@example.com", Security: core.MailPlain})
	refuse(t, err, core.Unavailable, "nowhere.invalid", "could not be reached")
}

// TestAttack61_MailLeadsNowhereInside: addresses are checked when dialling,
// whatever the name was.
func TestAttack61_MailLeadsNowhereInside(t *testing.T) {
	s := smtptest.Start(t, smtptest.Options{})
	m := smtp.New(smtp.Config{})
	for _, c := range []struct {
		host string
		port int
	}{
		{"127.0.0.1", s.Port}, {"localhost", s.Port}, {"127.0.0.1", 25}, {"localhost", 587}, {"10.0.0.1", 587}, {"169.254.169.254", 25},
		{"192.168.1.1", 465}, {"0.0.0.0", 587}, {"100.64.0.1", 587}, {"1.1.1.1", 22}, {"1.1.1.1", 6379}, {"1.1.1.1", 80},
	} {
		_, err := m.Connect(t.Context(), core.MailServer{Host: c.host, Port: c.port, FromAddress: "a@example.com", Security: core.MailPlain})
		refuse(t, err, core.Denied, c.host, "--allow-private-mail")
	}
	if opened, _ := s.Connections(); opened != 0 {
		t.Errorf("%d connections were made", opened)
	}
}

// TestAttack35_AMailEndsWithItsCall: a server that says nothing holds nobody
// longer than the call may last, and one that says everything neither.
func TestAttack35_AMailEndsWithItsCall(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	chatter := make(chan int64, 1)
	accepted := make(chan struct{}, 2)
	go func() {
		silent, err := listener.Accept()
		if err != nil {
			return
		}
		defer silent.Close()
		accepted <- struct{}{}
		talking, err := listener.Accept()
		if err != nil {
			return
		}
		defer talking.Close()
		n, _ := io.Copy(talking, io.LimitReader(endless{}, 1<<30))
		chatter <- n
	}()
	server := core.MailServer{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, FromAddress: "a@example.com", Security: core.MailPlain}
	m := smtp.New(smtp.Config{Private: true})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-accepted; cancel() }()
	_, err = m.Connect(ctx, server)
	refuse(t, err, core.Unavailable, "did not answer in time")

	_, err = m.Connect(t.Context(), server)
	refuse(t, err, core.Unavailable, "could not be reached")
	if n := <-chatter; n > 64<<20 { // what the network had on its way
		t.Errorf("%d bytes were taken", n)
	}
}

// A server that is slow to take a mail on holds nobody longer either, and nobody
// is told that the mail was not sent.
func TestAttack35_ASlowServerIsNotWaitedFor(t *testing.T) {
	reached, leave := make(chan struct{}), make(chan struct{})
	s := smtptest.Start(t, smtptest.Options{Security: smtptest.TLS, Username: "office", Password: password,
		Refuse: func(step, _ string) *smtptest.Refusal {
			if step == "DATA" {
				close(reached)
				<-leave
			}
			return nil
		},
	})
	defer close(leave)
	c := connect(t, mailer(s), settings(s, core.MailTLS))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	_, err := c.Send(ctx, mail("Slow"))
	refuse(t, err, core.Unavailable, "did not answer in time", "may have taken the mail on")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '2'
	}
	return len(p), nil
}

// What arrives is what was asked for: one field of each name, nothing that ends
// a line, names and subjects in every language, text and HTML to choose from.
func TestWhatArrives(t *testing.T) {
	s := smtptest.Start(t, smtptest.Options{Security: smtptest.TLS, Username: "office", Password: password})
	c := connect(t, mailer(s), settings(s, core.MailTLS))
	unsubscribe := "<https://carrel.example.com/w/acme/email/u/" + strings.Repeat("x", 800) + ">, <mailto:u@example.com>"
	send(t, c, core.Mail{
		MessageID: "0123456789abcdef@example.com", Date: noon, To: "ada@example.org", ToName: `Ada "Count" <L>`, ReplyTo: "help@example.com",
		Subject: "Grüße: " + strings.Repeat("sehr lange ", 30), Text: ".\n.line\nÄ " + strings.Repeat("lang ", 500), HTML: "<p>Grüße</p>\n.\n",
		Headers: map[string]string{
			"List-Unsubscribe": unsubscribe, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
			"References": "<1@example.com> <2@example.com>", "In-Reply-To": "<2@example.com>", "Auto-Submitted": "auto-generated",
		},
	})
	got := s.Next(t)
	for line := range strings.SplitSeq(got.Data, "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d bytes: %.80q", len(line), line)
		}
	}
	m, err := netmail.ReadMessage(bufio.NewReader(strings.NewReader(got.Data)))
	if err != nil {
		t.Fatal(err)
	}
	decode := new(mime.WordDecoder)
	for name, want := range map[string]string{
		"Message-Id": "<0123456789abcdef@example.com>", "Date": "Sun, 01 Mar 2026 12:00:00 +0000", "Reply-To": "<help@example.com>",
		"Subject": "Grüße: " + strings.TrimSpace(strings.Repeat("sehr lange ", 30)), "List-Unsubscribe": unsubscribe,
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "References": "<1@example.com> <2@example.com>",
		"In-Reply-To": "<2@example.com>", "Auto-Submitted": "auto-generated", "From": `Büro <office@example.com>`,
	} {
		text, err := decode.DecodeHeader(m.Header.Get(name))
		if err != nil || strings.TrimSpace(text) != want || len(m.Header[name]) != 1 {
			t.Errorf("%s: %q, %v, want %q", name, m.Header[name], err, want)
		}
	}
	to, err := netmail.ParseAddress(m.Header.Get("To"))
	if err != nil || to.Name != `Ada "Count" <L>` || to.Address != "ada@example.org" {
		t.Errorf("to %v, %v", to, err)
	}
	for _, name := range []string{"User-Agent", "X-Mailer", "Bcc", "Cc"} {
		if m.Header.Get(name) != "" {
			t.Errorf("%s is %q", name, m.Header.Get(name))
		}
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []string{".\r\n.line\r\nÄ " + strings.Repeat("lang ", 500), "<p>Grüße</p>\r\n.\r\n"} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil || strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")) != strings.TrimSpace(strings.ReplaceAll(want, "\r\n", "\n")) {
			t.Errorf("part %q, %v", body, err)
		}
	}
}
