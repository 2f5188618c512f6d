package smtptest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// Security is how the server is encrypted.
type Security int

// None by default.
const (
	None     Security = iota
	STARTTLS          // offered
	TLS               // from the first byte
)

// Options say how a server behaves.
type Options struct {
	Security Security
	Username string // whoever sends signs in with it; empty: nobody does
	Password string
	Login    bool // by the mechanism LOGIN, instead of PLAIN
	// Refuse is asked at each step of a mail, "MAIL FROM", "RCPT TO" and "DATA",
	// with the address or the mail's bytes, and answers what is wrong with it, or
	// nil. Nil refuses nothing.
	Refuse func(step, what string) *Refusal
	// SignIn answers those who sign in with something else than "235" or "535".
	SignIn func(username, password string) *Refusal
}

// Refusal is a reply of 4xx or 5xx. With Hangup the connection ends instead.
type Refusal struct {
	Code   int
	Text   string
	Hangup bool
}

// Mail is one the server took on.
type Mail struct {
	From, To string
	User     string // who signed in
	Data     string // head and body, as they came
}

// Server is a running one.
type Server struct {
	Port        int
	Certificate []byte         // in PEM, for 127.0.0.1 and localhost; it signs itself
	Roots       *x509.CertPool // the same

	options Options
	mails   chan Mail
	mu      sync.Mutex
	open    int
	opened  int
	said    []string
}

// Host is where the server listens.
const Host = "127.0.0.1"

// Start starts a server that ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	certificate, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), Roots: x509.NewCertPool(), options: o, mails: make(chan Mail, 10_000)}
	s.Roots.AppendCertsFromPEM(s.Certificate)
	server := smtp.NewServer(s)
	server.Domain, server.AllowInsecureAuth = "localhost", true
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	server.ErrorLog = log.New(io.Discard, "", 0) // what clients do wrong is the test's business
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	listener, err := net.Listen("tcp", Host+":0")
	if err != nil {
		t.Fatal(err)
	}
	s.Port = listener.Addr().(*net.TCPAddr).Port
	switch o.Security {
	case STARTTLS:
		server.TLSConfig = config
	case TLS:
		listener = tls.NewListener(listener, config)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		err := server.Close()
		listener.Close() //nolint:errcheck // the server closes it if it has come to know it
		if err := errors.Join(err, <-done); err != nil {
			t.Error("smtptest:", err)
		}
	})
	return s
}

// Next returns the next mail the server took on. A test in which none comes
// within 30 s fails.
func (s *Server) Next(t testing.TB) Mail {
	t.Helper()
	select {
	case m := <-s.mails:
		return m
	case <-time.After(30 * time.Second):
		t.Fatal("smtptest: no mail came")
		return Mail{}
	}
}

// None fails the test if the server has taken on a mail that Next has not
// returned.
func (s *Server) None(t testing.TB) {
	t.Helper()
	select {
	case m := <-s.mails:
		t.Errorf("smtptest: a mail came: %+v", m)
	default:
	}
}

// Connections returns how many there have been, and how many are open.
func (s *Server) Connections() (opened, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened, s.open
}

// Steps lists what clients have asked for, of all mails: "MAIL FROM", "DATA".
func (s *Server) Steps() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.said...)
}

// NewSession implements smtp.Backend.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	s.open++
	return &session{server: s, conn: c}, nil
}

// session is one connection.
type session struct {
	server *Server
	conn   *smtp.Conn
	mail   Mail
	user   string
}

// step notes a step and asks whether it is refused.
func (s *session) step(name, what string) error {
	s.server.mu.Lock()
	s.server.said = append(s.server.said, name)
	s.server.mu.Unlock()
	if s.server.options.Username != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	if s.server.options.Refuse == nil {
		return nil
	}
	if refusal := s.server.options.Refuse(name, what); refusal != nil {
		return s.answer(refusal)
	}
	return nil
}

func (s *session) answer(r *Refusal) error {
	if r.Hangup {
		_ = s.conn.Conn().Close() // the reply finds nobody
	}
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: smtp.NoEnhancedCode, Message: r.Text}
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail = Mail{From: from, User: s.user}
	return s.step("MAIL FROM", from)
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = to
	return s.step("RCPT TO", to)
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Data = string(data)
	if err := s.step("DATA", s.mail.Data); err != nil {
		return err
	}
	s.server.mails <- s.mail
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.mail = Mail{} }

// Logout implements smtp.Session.
func (s *session) Logout() error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.open--
	return nil
}
