package core

import "time"

// MailServer is where an installation's mail goes and who it is from: its
// setting `smtp`, checked.
type MailServer struct {
	Host        string
	Port        int
	Username    string // empty: nobody signs in
	Password    Secret
	Security    MailSecurity
	FromName    string
	FromAddress string
}

// MailSecurity is how the connection to a mail server is encrypted.
type MailSecurity string

const (
	MailSTARTTLS MailSecurity = "starttls" // before anything is said; required
	MailTLS      MailSecurity = "tls"      // from the first byte
	MailPlain    MailSecurity = "none"     // for servers that ask nobody to sign in
)

// Mail is a mail to one recipient. Its texts have no line breaks, except Text
// and HTML, of which at least one is there. Addresses are bare and ASCII.
type Mail struct {
	MessageID string    // without its angle brackets
	Date      time.Time // of the call that sends it
	To        string
	ToName    string
	ReplyTo   string
	Subject   string
	Text      string
	HTML      string
	Headers   map[string]string
}

// MailReply is what a server said of a mail in the end: code 2xx when it has
// taken it on, 4xx or 5xx with Stage, the command it said it to ("RCPT TO").
type MailReply struct {
	Code  int
	Stage string
	Text  string // as the server wrote it
}
