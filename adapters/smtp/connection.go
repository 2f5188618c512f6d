package smtp

import (
	"bytes"
	"context"
	"errors"
	"net/textproto"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/carrel-dev/carrel/core"
)

// Connection is a connection to one server, signed in for one workspace. It is
// used by one caller at a time.
type Connection struct {
	mailer *Mailer
	server core.MailServer
	raw    *bounded
	client *smtp.Client
	used   bool // a mail was handed over
	begun  bool // a mail that it refused; the next one begins with a reset
	asked  bool // a mail was sent, and nobody knows yet what became of it
}

// Send hands a mail over, within 30 s and ctx. A reply of any code is no error;
// an error is Unavailable: the connection can't be used any more, and is to be
// closed. The message says if the server may have taken the mail on all the same.
func (c *Connection) Send(ctx context.Context, mail core.Mail) (core.MailReply, error) {
	var encoded bytes.Buffer
	if err := write(&encoded, c.server, mail); err != nil {
		return core.MailReply{}, core.Wrap(op, core.Internal, err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	reply, err := c.begin(ctx)
	if err != nil || reply.Code != 0 {
		return reply, err
	}
	defer c.until(ctx)()
	reply, err = c.hand(mail.To, encoded.Bytes())
	if err != nil {
		return reply, c.lost(ctx, err)
	}
	c.used, c.begun, c.asked = true, reply.Code/100 != 2, false
	return reply, nil
}

// begin says who a mail is from. A server may end a connection after some mails;
// as long as nothing was said of this one, another connection takes it.
func (c *Connection) begin(ctx context.Context) (core.MailReply, error) {
	reply, err := c.from(ctx)
	if c.used && (err != nil || reply.Code == 421) && ctx.Err() == nil {
		c.raw.Close() //nolint:errcheck // it is of no more use
		c.used, c.begun = false, false
		if err := c.open(ctx); err != nil {
			return core.MailReply{}, err
		}
		reply, err = c.from(ctx)
	}
	if err != nil {
		return reply, c.lost(ctx, err)
	}
	c.begun = reply.Code != 0
	return reply, nil
}

func (c *Connection) from(ctx context.Context) (core.MailReply, error) {
	defer c.until(ctx)()
	if c.begun {
		if err := c.client.Reset(); err != nil {
			return core.MailReply{}, err
		}
	}
	return replied("MAIL FROM", c.client.Mail("<"+c.server.FromAddress+">"))
}

// hand says whom a mail is for, and the mail.
func (c *Connection) hand(to string, encoded []byte) (core.MailReply, error) {
	if reply, err := replied("RCPT TO", c.client.Rcpt("<"+to+">")); err != nil || reply.Code != 0 {
		return reply, err
	}
	data, err := c.client.Data()
	if reply, err := replied("DATA", err); err != nil || reply.Code != 0 {
		return reply, err
	}
	c.asked = true
	if _, err := data.Write(encoded); err != nil {
		return core.MailReply{}, err
	}
	if reply, err := replied("DATA", data.Close()); err != nil || reply.Code != 0 {
		return reply, err
	}
	return core.MailReply{Code: 250}, nil
}

// replied makes a reply of an error that is one; without an error it is empty.
func replied(stage string, err error) (core.MailReply, error) {
	said, ok := errors.AsType[*textproto.Error](err)
	if ok && (said.Code/100 == 4 || said.Code/100 == 5) {
		return core.MailReply{Code: said.Code, Stage: stage, Text: said.Msg}, nil
	}
	return core.MailReply{}, err
}

// lost says that a connection broke. The cause may hold what the server said,
// so it is not kept.
func (c *Connection) lost(ctx context.Context, err error) error {
	if own, ok := errors.AsType[*core.Error](err); ok {
		return own
	}
	msg := "The mail server %s ended the connection."
	if ctx.Err() != nil {
		msg = "The mail server %s did not answer in time."
	}
	if c.asked {
		msg += " It may have taken the mail on."
	}
	return core.E(op, core.Unavailable, msg, c.server.Host)
}

// Close says goodbye, and ends the connection whatever the server answers.
func (c *Connection) Close() {
	_ = c.raw.SetDeadline(time.Now().Add(quitTimeout))
	_ = c.client.Quit()
	_ = c.raw.Close()
}

// until ends what is read and written when ctx does. The function it returns
// ends that, and has to be called.
func (c *Connection) until(ctx context.Context) (release func()) {
	raw := c.raw
	deadline, _ := ctx.Deadline() // both Connect and Send have one
	_ = raw.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}
