package app

import (
	"context"
	"net"
	"net/url"

	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/adapters/smtp"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// newPost joins what plugins may ask for with who speaks to mail servers.
func newPost(cfg Config, public string, keys secret.Keys, counter hostfuncs.Counter) *hostfuncs.Post {
	name := ""
	if u, err := url.Parse(public); err == nil {
		name = u.Hostname()
	}
	if net.ParseIP(name) != nil { // it would have to be in brackets, and says nothing
		name = ""
	}
	mailer := smtp.New(smtp.Config{Private: cfg.PrivateMail, Name: name})
	return hostfuncs.NewPost(keys.Derive("message-id"), counter, func(ctx context.Context, server core.MailServer) (hostfuncs.MailConnection, error) {
		connection, err := mailer.Connect(ctx, server)
		if err != nil {
			return nil, err // not a nil *smtp.Connection in an interface that isn't nil
		}
		return connection, nil
	})
}
