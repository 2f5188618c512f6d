package hostfuncs

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var mailOperations = []Operation{
	{abi.OpMailSend, "mail.send", abi.CapabilityMail, actions, "Hand a mail to the installation's SMTP server.", with(mailSend)},
}

// MailConnection is a connection to a mail server, signed in, for one run of a
// handler.
type MailConnection interface {
	// Send hands a mail over. What the server says is a reply whatever its code;
	// after an error the connection is of no more use.
	Send(ctx context.Context, mail core.Mail) (core.MailReply, error)
	Close()
}

// Post sends the mails of a server's workspaces, which share nothing: each has
// its connections and its mails a minute for itself.
type Post struct {
	connect func(context.Context, core.MailServer) (MailConnection, error)
	key     []byte
	rates   *rates
}

// NewPost makes a Post that connects to mail servers with connect, which fails
// with an Error that names neither password nor address. The key, 32 bytes,
// makes Message-IDs of what nobody else can compute. The counter, which may be nil,
// is of the mails of all nodes.
func NewPost(key []byte, counter Counter, connect func(context.Context, core.MailServer) (MailConnection, error)) *Post {
	return &Post{connect: connect, key: key, rates: newRates(maxMailsAMinute, counter)}
}

func mailSend(ctx context.Context, h *Host, r abi.MailRequest) (abi.MailResponse, error) {
	const op = "mail.send"
	var none abi.MailResponse
	if h.b.Post == nil {
		return none, core.E(op, core.Denied, "This server sends no mail.")
	}
	if err := checkMail(r); err != nil {
		return none, err
	}
	server, err := h.mailServer()
	if err != nil {
		return none, err
	}
	if !h.b.Post.rates.allow(ctx, h.b.Workspace.ID) {
		return none, core.E(op, core.RateLimited,
			"A workspace may send %d mails a minute, and this one has. Send the rest in the next minute.", maxMailsAMinute)
	}
	connection, err := h.mailConnection(ctx, server)
	if err != nil {
		return none, err
	}
	mail := core.Mail{
		MessageID: h.messageID(r.Key, server), Date: h.b.Now, To: r.To, ToName: r.ToName, ReplyTo: r.ReplyTo,
		Subject: r.Subject, Text: r.Text, HTML: r.HTML, Headers: r.Headers,
	}
	reply, err := connection.Send(ctx, mail)
	if err != nil || reply.Code == 421 { // the server says that it closes the connection
		h.Close()
	}
	if err != nil {
		return none, err
	}
	return mailResponse(r, mail.MessageID, reply, server), nil
}

// mailConnection is the one of this run, made when it sends its first mail.
func (h *Host) mailConnection(ctx context.Context, server core.MailServer) (MailConnection, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mail != nil {
		return h.mail, nil
	}
	connection, err := h.b.Post.connect(ctx, server)
	if err == nil {
		h.mail = connection
	}
	return h.mail, err
}

// messageID is the same for the same key of the same installation, and tells
// nobody which key that was. Its right side is where the mail says it is from.
func (h *Host) messageID(key string, server core.MailServer) string {
	mac := hmac.New(sha256.New, h.b.Post.key)
	for _, part := range []string{string(h.b.Workspace.ID), string(h.b.Installation.ID), key} {
		mac.Write(binary.AppendUvarint(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	_, domain, _ := strings.Cut(server.FromAddress, "@")
	return hex.EncodeToString(mac.Sum(nil)[:16]) + "@" + domain
}

const maxReason = 500 // bytes of what a server says of a mail

// mailResponse tells the plugin what the server said, in one line.
func mailResponse(r abi.MailRequest, messageID string, reply core.MailReply, server core.MailServer) abi.MailResponse {
	response := abi.MailResponse{MessageID: "<" + messageID + ">", Outcome: abi.MailAccepted}
	switch reply.Code / 100 {
	case 2:
		return response
	case 4:
		response.Outcome = abi.MailDeferred
	default:
		response.Outcome = abi.MailRefused
	}
	text := strings.Join(strings.FieldsFunc(reply.Text, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }), " ")
	if text = withoutPassword(text, r, server); len(text) > maxReason {
		text = text[:maxReason] + "…"
	}
	response.Code, response.Reason = reply.Code, strings.ToValidUTF8(reply.Stage+": "+text, "")
	return response
}

// withoutPassword takes the password out of what a server says, should it repeat
// it. What the plugin itself wrote into the mail stays: servers repeat addresses,
// and one that vanishes because it is the password would tell who guesses it.
func withoutPassword(text string, r abi.MailRequest, server core.MailServer) string {
	written := []string{r.To, r.ToName, r.ReplyTo, r.Subject, r.Text, r.HTML}
	written = slices.AppendSeq(written, maps.Values(r.Headers))
	for _, spelling := range spellings(server.Username, server.Password.Reveal()) {
		if !slices.ContainsFunc(written, func(part string) bool { return strings.Contains(part, spelling) }) {
			text = strings.ReplaceAll(text, spelling, "…")
		}
	}
	return text
}

// mailServer reads the setting `smtp`, and says what an admin has to change in
// it before mail can be sent.
func (h *Host) mailServer() (core.MailServer, error) {
	const op = "mail.send"
	var settings struct {
		SMTP struct {
			Host        string `json:"host"`
			Port        int    `json:"port"`
			Username    string `json:"username"`
			Security    string `json:"security"`
			FromName    string `json:"fromName"`
			FromAddress string `json:"fromAddress"`
		} `json:"smtp"`
	}
	if len(h.b.Installation.Settings) > 0 {
		if err := json.Unmarshal(h.b.Installation.Settings, &settings); err != nil {
			return core.MailServer{}, place(op, "settings."+core.MailSetting, "is not what the capability mail needs")
		}
	}
	s := core.MailServer{
		Host: settings.SMTP.Host, Port: settings.SMTP.Port, Username: settings.SMTP.Username, Security: core.MailSecurity(settings.SMTP.Security),
		FromName: settings.SMTP.FromName, FromAddress: settings.SMTP.FromAddress,
	}
	if s.Port == 0 {
		s.Port = 587
	}
	if s.Security == "" {
		s.Security = core.MailSTARTTLS
	}
	var wrong core.Violations
	setting := func(name, message string) { wrong.Add("settings."+core.MailSetting+"."+name, "%s", message) }
	switch {
	case s.Host == "":
		setting("host", "is empty; it is the name of the SMTP server")
	case !ascii(s.Host) || strings.ContainsAny(s.Host, ":/@ []%"):
		setting("host", "must be the name of a server, such as smtp.example.com, or an IPv4 address")
	}
	if s.Port < 1 || s.Port > 65535 {
		setting("port", "must be between 1 and 65535")
	}
	switch s.Security {
	case core.MailSTARTTLS, core.MailTLS:
	case core.MailPlain:
		if s.Username != "" {
			setting("security",
				"none would send the password for everybody to read; choose starttls or tls, or leave username empty")
		}
	default:
		setting("security", "must be starttls, tls or none")
	}
	if !isAddress(s.FromAddress) {
		setting("fromAddress", "must be the address mail is from, such as office@example.com")
	}
	if !line(s.FromName, maxMailName) {
		setting("fromName", nameRule)
	}
	if err := wrong.Err(op, "An admin of the workspace has to complete the settings before mail can be sent."); err != nil {
		return core.MailServer{}, err
	}
	if s.Username == "" {
		return s, nil
	}
	if h.b.Secret == nil {
		return core.MailServer{}, core.E(op, core.Denied, "This server gives no secrets.")
	}
	password, err := h.b.Secret(core.MailSetting, "password")
	if err != nil {
		return core.MailServer{}, err
	}
	s.Password = password
	if !line(s.Username, maxMailName) || !line(password.Reveal(), maxMailText) {
		setting("username", "and password must be single lines")
	}
	return s, wrong.Err(op, "An admin of the workspace has to change the settings before mail can be sent.")
}

// line reports whether a text is valid, has no control characters, and at most
// so many bytes.
func line(text string, longest int) bool {
	return len(text) <= longest && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}
