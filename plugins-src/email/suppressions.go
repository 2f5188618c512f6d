package main

import "github.com/carrel-dev/carrel/sdk"

// Suppression is an address that gets no mail at all.
type Suppression struct {
	Email  string `json:"email" carrel:"email,required,unique,max=254,doc=Address, in lower case"`
	Reason string `json:"reason" carrel:"index,enum=bounce|complaint|manual,default=manual,doc=Bounce: it can't be delivered to; complaint: its owner called a mail spam"`
	Note   string `json:"note" carrel:"max=500,doc=More about it"`
}

var suppressions = sdk.Table[Suppression]("suppressions", "Addresses that get no mail")

// createSuppression takes down what a person or a mail provider reports, and
// tells of it.
func createSuppression(c *sdk.Ctx, in Suppression) (doc sdk.RawDoc[Suppression], err error) {
	in.Email = normalizeEmail(in.Email)
	if doc, err = suppressions.Create(c, in); err != nil {
		return doc, err
	}
	switch in.Reason {
	case "complaint":
		err = mailComplained.Emit(c, MailComplained{in.Email})
	case "bounce":
		err = mailBounced.Emit(c, MailBounced{Email: in.Email, Kind: hard, Reason: in.Note})
	}
	return doc, err
}

// suppress stops all mail to an address.
func suppress(c *sdk.Ctx, email, reason, note string) error {
	_, there, err := suppressions.By(c, "email", email)
	if there || err != nil {
		return err
	}
	_, err = suppressions.Add(c, Suppression{Email: email, Reason: reason, Note: cut(note, maxReason)})
	return err
}
