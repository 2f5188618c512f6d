// Package smtp hands mails to the SMTP servers that workspaces name in their
// settings. It decides what a connection must be before anything is said over
// it: where it may lead, that it is encrypted and by whom; go-mail writes the
// mails and speaks the protocol.
//
// It imports core, go-mail and the guard of outbound addresses. It keeps no
// connection by itself: whoever connects has it alone, and closes it.
//
// Start with mailer.go (to connect), then connection.go (to send) and message.go
// (what a mail is on the wire).
package smtp
