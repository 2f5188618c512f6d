// Package smtptest is an SMTP server of this machine for tests: a real one, that
// keeps what it is sent, signs people in, speaks TLS, and refuses what it is
// told to. Only tests import it. Start with server.go.
package smtptest
