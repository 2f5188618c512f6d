package main

import (
	"strings"

	"github.com/carrel-dev/carrel/sdk"
)

// Contact is a person the workspace knows.
type Contact struct {
	Email          string         `json:"email" carrel:"email,required,unique,max=254,doc=Address, in lower case; no two contacts share one"`
	Name           string         `json:"name" carrel:"required,index,max=200,doc=Full name"`
	Phone          string         `json:"phone" carrel:"max=40,doc=Phone number, as written"`
	UserID         sdk.ID         `json:"userId" carrel:"unique,doc=Account they sign in with on public pages; no two contacts share one"`
	CompanyID      sdk.ID         `json:"companyId" carrel:"ref=companies,on_delete=clear,doc=Company they work for"`
	Lifecycle      string         `json:"lifecycle" carrel:"index,enum=lead|prospect|customer|churned,default=lead,doc=Where they are on the way to being a customer"`
	Source         string         `json:"source" carrel:"index,max=80,doc=Where they came from: manual, import, or what a client of the API says"`
	OwnerID        sdk.ID         `json:"ownerId" carrel:"index,doc=Account of the member who looks after them"`
	CustomFields   map[string]any `json:"customFields" carrel:"doc=Anything else, by name"`
	LastActivityAt string         `json:"lastActivityAt" carrel:"time,index,doc=When something last happened with them"`
}

var contacts = sdk.Table[Contact]("contacts", "People the workspace knows")

// contactMeter counts the workspace's contacts; a plan's quota for it is
// crm.contacts.
const contactMeter = "contacts"

// ContactCreated is the data of crm.contact.created.
type ContactCreated struct {
	ContactID sdk.ID `json:"contactId"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	Source    string `json:"source"`
}

var contactCreated = sdk.Event[ContactCreated]("crm.contact.created", 1, "A contact was added, by hand or by an import.")

func createContact(c *sdk.Ctx, in Contact) (sdk.RawDoc[Contact], error) {
	if in.Source == "" {
		in.Source = "manual"
	}
	c.SetStatus(201)
	if err := c.Record(contactMeter, 1); err != nil {
		return sdk.RawDoc[Contact]{}, err
	}
	return addContact(c, in)
}

// addContact stores and announces a contact that is counted already.
func addContact(c *sdk.Ctx, in Contact) (doc sdk.RawDoc[Contact], err error) {
	in.Email = normalizeEmail(in.Email)
	if doc, err = contacts.Add(c, in); err != nil {
		return doc, err
	}
	id, err := doc.ID()
	if err != nil {
		return doc, err
	}
	return doc, contactCreated.Emit(c, ContactCreated{id, in.Email, in.Name, in.Source})
}

func changeContact(c *sdk.Ctx, changes sdk.Partial[Contact]) (doc sdk.RawDoc[Contact], err error) {
	if changes.Has("email") {
		values, err := changes.Values()
		if err != nil {
			return doc, err
		}
		if err := changes.Set("email", normalizeEmail(values.Email)); err != nil {
			return doc, err
		}
	}
	return contacts.Change(c, changes)
}

func deleteContact(c *sdk.Ctx) error {
	if err := contacts.Remove(c); err != nil {
		return err
	}
	return c.Record(contactMeter, -1)
}

func normalizeEmail(address string) string { return strings.ToLower(strings.TrimSpace(address)) }
