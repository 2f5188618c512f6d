package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"
	"github.com/wneessen/go-mail/smtp"

	"github.com/carrel-dev/carrel/core"
)

const (
	connectTimeout = 10 * time.Second // until somebody is signed in
	sendTimeout    = 30 * time.Second // for one mail
	quitTimeout    = time.Second
	maxTalk        = 1 << 20 // bytes a server may say in one connection
)

// ports are where mail servers listen.
var ports = []uint16{25, 465, 587, 2525}

// Config says how a Mailer connects.
type Config struct {
	// Private lets it reach any address and port: for servers of the operator's
	// own network. Else public addresses on ports 25, 465, 587 and 2525 only are
	// open, checked when dialling, so that a name cannot lead inside.
	Private bool
	// Name is what it calls itself, a host name; empty: localhost.
	Name string
	// Roots sign the certificates of servers; nil: those the system trusts.
	Roots *x509.CertPool
}

// Mailer connects to mail servers. It may be used concurrently.
type Mailer struct {
	dialer *net.Dialer
	name   string
	roots  *x509.CertPool
}

// New makes a Mailer.
func New(c Config) *Mailer {
	m := &Mailer{dialer: &net.Dialer{}, name: c.Name, roots: c.Roots}
	if !c.Private {
		m.dialer.Control = ssrf.New(ssrf.WithPorts(ports...)).Safe
	}
	if m.name == "" {
		m.name = "localhost"
	}
	return m
}

// Connect reaches a server and signs in, within 10 s and ctx. A certificate
// that is not the server's, or no encryption where the settings ask for it, ends
// it before the password is sent. Denied: the server is where mail may not go;
// Unavailable: it can't be used, the message says why. No error holds the
// password, nor what the server said once it could know it.
func (m *Mailer) Connect(ctx context.Context, server core.MailServer) (*Connection, error) {
	c := &Connection{mailer: m, server: server}
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// open makes the connection, anew if there was one.
func (c *Connection) open(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	server := c.server
	address := net.JoinHostPort(server.Host, strconv.Itoa(server.Port))
	conn, err := c.mailer.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return unreached(ctx, address, err)
	}
	c.raw = &bounded{Conn: conn, left: maxTalk}
	defer c.until(ctx)()
	defer func() {
		if err != nil {
			c.raw.Close() //nolint:errcheck // it is being given up
		}
	}()
	config := &tls.Config{ServerName: server.Host, RootCAs: c.mailer.roots, MinVersion: tls.VersionTLS12}
	var encrypted net.Conn = c.raw
	if server.Security == core.MailTLS {
		wrapped := tls.Client(c.raw, config)
		if err := wrapped.HandshakeContext(ctx); err != nil {
			return unreached(ctx, address, err)
		}
		encrypted = wrapped
	}
	client, err := smtp.NewClient(encrypted, server.Host)
	if err != nil {
		return unreached(ctx, address, err)
	}
	c.client = client
	if err = c.client.Hello(c.mailer.name); err != nil {
		return unreached(ctx, address, err)
	}
	if server.Security == core.MailSTARTTLS {
		if offered, _ := c.client.Extension("STARTTLS"); !offered {
			return core.E(op, core.Unavailable,
				"The mail server %s does not offer STARTTLS. If it is encrypted from the start, the setting smtp.security is tls.",
				address)
		}
		if err = c.client.StartTLS(config); err != nil {
			return unreached(ctx, address, err)
		}
	}
	if server.Username == "" {
		return nil
	}
	return c.signIn(ctx, address)
}

const op = "mail.send"

// signIn says who sends. It is called over encrypted connections only: settings
// without encryption have no user name, and the mechanisms refuse any other.
func (c *Connection) signIn(ctx context.Context, address string) error {
	user, password := c.server.Username, c.server.Password.Reveal()
	_, offered := c.client.Extension("AUTH")
	var auth smtp.Auth
	switch mechanisms := " " + strings.ToUpper(offered) + " "; {
	case c.server.Security == core.MailPlain:
		return core.E(op, core.Invalid,
			"A password is sent over encrypted connections only: the setting smtp.security has to be starttls or tls.")
	case strings.Contains(mechanisms, " PLAIN "):
		auth = smtp.PlainAuth("", user, password, c.server.Host, false)
	case strings.Contains(mechanisms, " LOGIN "):
		auth = smtp.LoginAuth(user, password, c.server.Host, false)
	default:
		return core.E(op, core.Unavailable,
			"The mail server %s lets nobody sign in with a password by PLAIN or LOGIN. "+
				"Without the setting smtp.username nobody signs in.", address)
	}
	// What the server answers may repeat what it was sent: of it only the code
	// is told, and nothing is kept.
	err := c.client.Auth(auth)
	if said, ok := errors.AsType[*textproto.Error](err); ok {
		return core.E(op, core.Unavailable,
			"The mail server %s refused the user name and password with code %d. An admin of the "+
				"workspace has to correct smtp.username and smtp.password in the settings.", address, said.Code)
	}
	if err != nil {
		if ctx.Err() != nil {
			return core.E(op, core.Unavailable, "The mail server %s did not answer in time.", address)
		}
		return core.E(op, core.Unavailable, "The mail server %s ended the connection when signing in.", address)
	}
	return nil
}

// unreached turns what went wrong before anybody signed in into what the plugin
// may know of it: the server's name, never an address behind it.
func unreached(ctx context.Context, address string, err error) error {
	kind, msg := core.Unavailable, "The mail server %s could not be reached."
	said, refused := errors.AsType[*textproto.Error](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedPort), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		kind = core.Denied
		msg = "%s leads to an address or port mail may not go to. Public addresses on ports 25, 465, 587 and 2525 are open; an operator opens their own network with carrel serve --allow-private-mail."
	case untrusted:
		msg = "The certificate of the mail server %s is not valid for that name, so nothing was sent."
	case noTLS:
		msg = "The mail server %s is not encrypted from the start. With port 587 the setting smtp.security is usually starttls."
	case ctx.Err() != nil:
		msg = "The mail server %s did not answer in time."
	case refused:
		return core.E(op, core.Unavailable, "The mail server %s takes no mail at the moment, code %d.", address, said.Code)
	}
	e := core.E(op, kind, msg, address)
	e.Err = err
	return e
}

// bounded is a connection whose other side may say so many bytes.
type bounded struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server says too much")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
