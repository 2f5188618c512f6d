package e2e

import (
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/smtp/smtptest"
)

// mailbox is an SMTP server and what it took on, by recipient.
type mailbox struct {
	*testing.T
	server *smtptest.Server

	mu      sync.Mutex
	mails   map[string][]letter
	total   int
	changed chan struct{} // closed and replaced when a mail comes
	answer  chan struct{} // nil, or mails are answered when it is closed
}

// letter is a mail that came.
type letter struct {
	to        string
	messageID string
	header    mail.Header
	text      string // all that is in it, decoded
}

// newMailbox starts a mail server at which the addresses don't exist.
func newMailbox(t *testing.T, missing ...string) *mailbox {
	t.Helper()
	b := &mailbox{T: t, mails: map[string][]letter{}, changed: make(chan struct{})}
	b.server = smtptest.Start(t, smtptest.Options{Refuse: func(step, what string) *smtptest.Refusal {
		switch {
		case step == "RCPT TO" && slices.Contains(missing, what):
			return &smtptest.Refusal{Code: 550, Text: "5.1.1 no such user"}
		case step == "DATA": // all of it is here, and it is accepted
			if answer := b.take(what); answer != nil {
				<-answer
			}
		}
		return nil
	}})
	return b
}

// hold has mails wait for their answers until release, or the test's end.
func (b *mailbox) hold() (release func()) {
	answer := make(chan struct{})
	b.mu.Lock()
	b.answer = answer
	b.mu.Unlock()
	release = sync.OnceFunc(func() { close(answer) })
	b.Cleanup(release)
	return release
}

// take keeps a mail, and returns what its answer waits for.
func (b *mailbox) take(data string) (answer chan struct{}) {
	l, err := read(data)
	if err != nil {
		b.Errorf("a mail can't be read: %v\n%s", err, data)
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails[l.to] = append(b.mails[l.to], l)
	b.total++
	close(b.changed)
	b.changed = make(chan struct{})
	return b.answer
}

// read takes a mail apart.
func read(data string) (letter, error) {
	parsed, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		return letter{}, err
	}
	to, err := parsed.Header.AddressList("To")
	if err != nil {
		return letter{}, err
	}
	l := letter{to: to[0].Address, messageID: parsed.Header.Get("Message-ID"), header: parsed.Header}
	kind, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		body, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
		l.text = string(body)
		return l, err
	}
	for parts := multipart.NewReader(parsed.Body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if err == io.EOF {
			return l, nil
		}
		if err != nil {
			return l, err
		}
		body, err := io.ReadAll(part) // NextPart has decoded it
		if err != nil {
			return l, err
		}
		l.text += string(body) + "\n"
	}
}

// until waits until something is true of what came.
func (b *mailbox) until(what string, within time.Duration, ok func(mails map[string][]letter, total int) bool) {
	b.Helper()
	timeout := time.After(within)
	for {
		b.mu.Lock()
		done, changed := ok(b.mails, b.total), b.changed
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			b.mu.Lock()
			defer b.mu.Unlock()
			b.Fatalf("%s: not within %v; %d mails came to %d addresses", what, within, b.total, len(b.mails))
		}
	}
}

// to waits for the nth mail to an address.
func (b *mailbox) to(address string, n int) letter {
	b.Helper()
	b.until("mail to "+address, time.Minute, func(mails map[string][]letter, _ int) bool { return len(mails[address]) >= n })
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mails[address][n-1]
}

// all is what came so far.
func (b *mailbox) all() map[string][]letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.mails)
}

// settings are those of a plugin whose mail goes here.
func (b *mailbox) settings() body {
	return body{"smtp": body{"host": smtptest.Host, "port": b.server.Port, "security": "none", "fromName": "Acme", "fromAddress": "office@acme.example"}}
}

// InstallWith installs a plugin with settings, consenting to all it asks for.
func (m member) InstallWith(plugin string, settings body) {
	m.w.Helper()
	m.API("POST", "/installations", body{"plugin": plugin, "grants": m.asked(plugin), "settings": settings}).want(201)
}

var address = regexp.MustCompile(`http://[^\s"<>]+`)

// link finds the address in a mail that leads below a path of the plugin.
func (l letter) link(t *testing.T, below string) string {
	t.Helper()
	for _, found := range address.FindAllString(l.text, -1) {
		if strings.Contains(found, below) {
			return found
		}
	}
	t.Fatalf("no link to %s in %s", below, l.text)
	return ""
}

// stranger is somebody without an account: who gets mail, or their mail program.
func (w *world) stranger() *person { return &person{w: w} }

// follow makes a request to an address, as it is in a mail.
func (p *person) follow(method, link string, in any, headers ...header) answer {
	p.w.Helper()
	path, ok := strings.CutPrefix(link, p.w.url)
	if !ok {
		p.w.Fatalf("%s does not lead to %s", link, p.w.url)
	}
	return p.send(method, path, in, headers...)
}

// count counts the events of a type, by a member of their data.
func (m member) count(eventType, by string) map[string]int {
	m.w.Helper()
	counts := map[string]int{}
	for _, event := range m.all("", "/events?type="+eventType) {
		counts[fmt.Sprint(event["data"].(map[string]any)[by])]++
	}
	return counts
}
