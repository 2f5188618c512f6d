package main

import (
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/sdk"
)

// Contact is a person the workspace knows.
type Contact struct {
	Email          string         `json:"email" carrel:"email,unique,max=254,doc=Address, in lower case; no two contacts share one"`
	Name           string         `json:"name" carrel:"required,index,max=200,doc=Full name"`
	Phone          string         `json:"phone" carrel:"max=40,doc=Phone number, as written"`
	UserID         sdk.ID         `json:"userId" carrel:"unique,doc=Account they sign in with on public pages; no two contacts share one"`
	CompanyID      sdk.ID         `json:"companyId" carrel:"ref=companies,on_delete=clear,doc=Company they work for"`
	Lifecycle      string         `json:"lifecycle" carrel:"index,enum=lead|prospect|customer|churned,default=lead,doc=Where they are on the way to being a customer"`
	Source         string         `json:"source" carrel:"index,max=80,doc=Where they came from: manual, import, or what a client of the API says"`
	OwnerID        sdk.ID         `json:"ownerId" carrel:"index,doc=Account of the member who looks after them"`
	CustomFields   map[string]any `json:"customFields" carrel:"doc=Anything else, by name"`
	LastActivityAt string         `json:"lastActivityAt" carrel:"time,index,doc=When something last happened with them"`
	MergedIntoID   sdk.ID         `json:"mergedIntoId" carrel:"ref=contacts,on_delete=cascade,doc=Contact that has taken this one's place"`
	EmailStatus    string         `json:"emailStatus" carrel:"index,enum=bounced|complained,doc=Why mail should not be sent to their address; nothing is known against it without one"`
}

// A list leaves out contacts that were merged, so each of its orders begins with
// that. It serves all filters, too: what is left out is few.
var contacts = sdk.Table[Contact]("contacts", "People the workspace knows",
	sdk.Index("mergedIntoId", "name"), sdk.Index("mergedIntoId", "email"), sdk.Index("mergedIntoId", "lifecycle"),
	sdk.Index("mergedIntoId", "source"), sdk.Index("mergedIntoId", "ownerId"), sdk.Index("mergedIntoId", "lastActivityAt"))

// contactOrders are the fields a list of contacts can be sorted by.
var contactOrders = []string{"createdAt", "name", "email", "lifecycle", "source", "ownerId", "lastActivityAt"}

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

// listContacts lists the contacts that were not merged into others, unless the
// request asks for those.
func listContacts(c *sdk.Ctx) (sdk.Listing[Contact], error) {
	query, err := contacts.Asked(c)
	if err != nil {
		return sdk.Listing[Contact]{}, err
	}
	if order := c.Query("sort"); order != "" && !slices.Contains(contactOrders, strings.TrimPrefix(order, "-")) {
		return sdk.Listing[Contact]{}, sdk.Violation("query.sort",
			"must be one of %s; a leading - means descending", strings.Join(contactOrders, ", "))
	}
	if !query.Filters("mergedIntoId") {
		query.Where("mergedIntoId", nil)
	}
	page, err := query.Page(c)
	return sdk.Listing[Contact]{Page: page}, err
}

func createContact(c *sdk.Ctx, in Contact) (sdk.RawDoc[Contact], error) {
	if in.MergedIntoID != "" {
		return sdk.RawDoc[Contact]{}, errMerging
	}
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

var errMerging = sdk.Violation("body.mergedIntoId", "is set by POST /contacts/:id/merge only")

func changeContact(c *sdk.Ctx, changes sdk.Partial[Contact]) (doc sdk.RawDoc[Contact], err error) {
	if changes.Has("mergedIntoId") {
		return doc, errMerging
	}
	before, err := contacts.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return doc, err
	}
	if into := before.Body.MergedIntoID; into != "" {
		return doc, sdk.Exists("This contact was merged into %s. Change that one.", into)
	}
	if changes.Has("email") {
		values, err := changes.Values()
		if err != nil {
			return doc, err
		}
		email := normalizeEmail(values.Email)
		if err := changes.Set("email", email); err != nil {
			return doc, err
		}
		if email != before.Body.Email && !changes.Has("emailStatus") { // it was about the old address
			if err := changes.Set("emailStatus", nil); err != nil {
				return doc, err
			}
		}
	}
	return contacts.Change(c, changes)
}

// What one unit of work deletes with a contact. The host allows 1,000 documents.
const maxForgotten = 500

// forgetJob deletes a contact that has more activities.
const forgetJob = "forget-contact"

type forgetPayload struct {
	ContactID sdk.ID `json:"contactId"`
}

// deleteContact deletes a contact, its tags and activities, and the contacts that
// were merged into it: 204, or 202 when there is so much of it that a job does.
// A merged one goes with the one it was merged into: it may still have activities
// that are on their way there.
func deleteContact(c *sdk.Ctx) error {
	version, err := c.IfMatch()
	if err != nil {
		return err
	}
	contact, err := contacts.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return err
	}
	if into := contact.Body.MergedIntoID; into != "" {
		return sdk.Exists("This contact was merged into %s. Delete that one.", into)
	}
	count, _, err := activities.Where("contactId", contact.ID).Count(c)
	if err != nil {
		return err
	}
	if count <= maxForgotten {
		return removeContact(c, contact.ID, version)
	}
	if _, err := contacts.Patch(c, contact.ID, struct{}{}, version); err != nil { // for the version
		return err
	}
	c.SetStatus(202)
	_, err = c.Schedule(forgetJob, forgetPayload{contact.ID}, 0)
	return err
}

// forget deletes some activities of a contact and then, once these were the last,
// the contact. One that was merged meanwhile is left alone: so are its activities.
func forget(c *sdk.Ctx, in forgetPayload) error {
	contact, err := contacts.Get(c, in.ContactID)
	if sdk.IsNotFound(err) || err == nil && contact.Body.MergedIntoID != "" {
		return nil
	}
	if err != nil {
		return err
	}
	deleted, cursor := 0, ""
	for deleted < maxForgotten {
		page, next, err := activities.Where("contactId", contact.ID).Limit(100).Cursor(cursor).RawDocs(c)
		if err != nil {
			return err
		}
		for _, doc := range page {
			id, err := doc.ID()
			if err == nil {
				err = activities.Delete(c, id)
			}
			if err != nil {
				return err
			}
		}
		if deleted, cursor = deleted+len(page), next; next == "" {
			return removeContact(c, contact.ID, 0)
		}
	}
	_, err = c.Schedule(forgetJob, in, 0)
	return err
}

// removeContact deletes a contact with what belongs to it. It counts no more.
func removeContact(c *sdk.Ctx, id sdk.ID, version int64) error {
	if err := contacts.Delete(c, id, version); err != nil {
		return err
	}
	return c.Record(contactMeter, -1)
}

// present finds the contact that stands for one: itself, or the one it was
// merged into.
func present(c *sdk.Ctx, doc sdk.Doc[Contact]) (sdk.Doc[Contact], error) {
	for doc.Body.MergedIntoID != "" {
		var err error
		if doc, err = contacts.Get(c, doc.Body.MergedIntoID); err != nil {
			return doc, err
		}
	}
	return doc, nil
}

// survivor finds the contact that stands for the one a request names in
// contactId, or none for none.
func survivor(c *sdk.Ctx, id sdk.ID) (sdk.ID, error) {
	if id == "" {
		return "", nil
	}
	doc, err := contacts.Get(c, id)
	if sdk.IsNotFound(err) {
		return "", sdk.Violation("body.contactId", "there is no such contact")
	}
	if err == nil {
		doc, err = present(c, doc)
	}
	return doc.ID, err
}

func normalizeEmail(address string) string { return strings.ToLower(strings.TrimSpace(address)) }
