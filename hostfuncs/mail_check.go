package hostfuncs

import (
	"encoding/base64"
	"maps"
	"net/mail"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Bounds of a mail, in bytes; of the key in characters.
const (
	maxMailKey     = 200
	maxMailAddress = 320
	maxMailName    = 320
	maxMailText    = 900 // of a subject, and of a word of a header: a line of a mail has 998
	maxMailHeader  = 8 << 10
	maxMailBody    = 1 << 20 // text and HTML together
)

const nameRule = "must be a single line of at most 320 bytes"

// mailHeaders are what a plugin may set; the rest is the host's.
var mailHeaders = []string{"List-Unsubscribe", "List-Unsubscribe-Post", "References", "In-Reply-To", "Auto-Submitted"}

// checkMail says everything that is wrong with a mail. Nothing of it can end a
// line of the mail's head: what looks like another header is refused.
func checkMail(r abi.MailRequest) error {
	const op = "mail.send"
	if n := len(r.Text) + len(r.HTML); n > maxMailBody {
		return core.E(op, core.TooLarge,
			"A mail's text and HTML have at most %d bytes together, and these have %d. Send a link to the rest.", maxMailBody, n)
	}
	var wrong core.Violations
	if n := len([]rune(r.Key)); n < 1 || n > maxMailKey {
		wrong.Add("key", "must have 1 to %d characters, the same whenever the same mail is sent", maxMailKey)
	}
	if !isAddress(r.To) {
		wrong.Add("to", "must be one bare address, such as ada@example.com")
	}
	if r.ReplyTo != "" && !isAddress(r.ReplyTo) {
		wrong.Add("replyTo", "must be one bare address, such as ada@example.com")
	}
	if !line(r.ToName, maxMailName) {
		wrong.Add("toName", nameRule)
	}
	if r.Subject == "" || !line(r.Subject, maxMailText) {
		wrong.Add("subject", "must be a single line of 1 to %d bytes", maxMailText)
	}
	if r.Text == "" && r.HTML == "" {
		wrong.Add("text", "must be there, or html")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if !slices.Contains(mailHeaders, name) {
			wrong.Add("headers", "%.100q can't be set; these can: %s", name, strings.Join(mailHeaders, ", "))
		} else if !headerValue(r.Headers[name]) {
			wrong.Add("headers."+name,
				"must be a single line of ASCII, at most %d bytes, and %d between two spaces", maxMailHeader, maxMailText)
		}
	}
	return wrong.Err(op, "The mail can't be sent like this.")
}

// headerValue reports whether a text can be folded into lines that every server
// takes.
func headerValue(text string) bool {
	return text != "" && len(text) <= maxMailHeader &&
		!strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) &&
		!slices.ContainsFunc(strings.Fields(text), func(word string) bool { return len(word) > maxMailText })
}

// isAddress reports whether a text is one address and nothing else: no name, no
// comment, no quoting, and ASCII as every server takes it.
func isAddress(text string) bool {
	if len(text) > maxMailAddress || !ascii(text) || strings.ContainsAny(text, `"<>()[]\,;:`) {
		return false
	}
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Name == "" && parsed.Address == text
}

// spellings are the forms in which a password travels when somebody signs in.
func spellings(username, password string) []string {
	if password == "" {
		return nil
	}
	encode := base64.StdEncoding.EncodeToString
	return []string{encode([]byte("\x00" + username + "\x00" + password)), encode([]byte(password)), password}
}
