package abi

// Outcomes of a mail that a server was reached for.
const (
	MailAccepted = "accepted" // the server has taken it on
	MailRefused  = "refused"  // for good, code 5xx: sending it again won't help
	MailDeferred = "deferred" // for now, code 4xx: it may be sent again later
)

// MailRequest hands a mail to the SMTP server of the installation's setting
// `smtp`, which also says who it is from. The host signs in there; the plugin
// never sees the password.
//
// Key, 1 to 200 characters, names the mail among all of the installation: a
// request with the same one has the same Message-ID, so that whoever gets the
// mail twice can tell. To and ReplyTo are bare addresses. At least one of Text
// and HTML is there; a mail with both lets its reader choose. Headers may be
// List-Unsubscribe, List-Unsubscribe-Post, References, In-Reply-To and
// Auto-Submitted. Line breaks are refused everywhere but in Text and HTML.
type MailRequest struct {
	Key     string            `json:"key"`
	To      string            `json:"to"`
	ToName  string            `json:"toName,omitempty"`
	ReplyTo string            `json:"replyTo,omitempty"`
	Subject string            `json:"subject"`
	Text    string            `json:"text,omitempty"`
	HTML    string            `json:"html,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// MailResponse is what the server said of a mail. Code is its reply's, 0 for an
// accepted mail; Reason is what was refused, in the server's words.
type MailResponse struct {
	MessageID string `json:"messageId"` // with its angle brackets
	Outcome   string `json:"outcome"`   // accepted, refused or deferred
	Code      int    `json:"code,omitempty"`
	Reason    string `json:"reason,omitempty"`
}
