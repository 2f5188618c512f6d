package sdk

import "github.com/carrel-dev/carrel/core/abi"

// SMTP is the server an installation's mail goes to, and who it is from: a field
//
//	SMTP sdk.SMTP `json:"smtp"`
//
// of the settings of a plugin that uses abi.CapabilityMail. The workspace's
// admins fill it in. Password is always empty in a handler: the host keeps it,
// and signs in itself.
type SMTP struct {
	Host        string `json:"host" carrel:"max=253,doc=Name of the SMTP server"`
	Port        int    `json:"port" carrel:"default=587,doc=587 with starttls; 465 with tls"`
	Username    string `json:"username" carrel:"max=320,doc=To sign in with; empty for a server that asks for none"`
	Password    string `json:"password,omitempty" carrel:"secret,max=1000,doc=To sign in with"`
	Security    string `json:"security" carrel:"enum=starttls|tls|none,default=starttls,doc=How the connection is encrypted; none sends no password"`
	FromName    string `json:"fromName" carrel:"max=200,doc=Who mail is from"`
	FromAddress string `json:"fromAddress" carrel:"email,max=320,doc=Address mail is from"`
}

// SendMail hands a mail to the SMTP server of the installation's settings, from
// actions: 50 in a call, 600 a minute in a workspace, more is rate_limited. A
// server that refuses the mail, for good or for now, is an answer: see its
// Outcome. An error of kind unavailable means that the server could not be used
// at all, and invalid names what of the request or the settings to change.
//
// A call that is run again after a crash may send a mail twice. Both have the
// Message-ID of the request's Key.
func (c *Ctx) SendMail(request abi.MailRequest) (abi.MailResponse, error) {
	var response abi.MailResponse
	err := ask(abi.OpMailSend, request, &response)
	return response, err
}
