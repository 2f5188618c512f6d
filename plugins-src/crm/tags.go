package main

import (
	"strings"
	"unicode"

	"github.com/carrel-dev/carrel/sdk"
)

// ContactTag is one tag of one contact.
type ContactTag struct {
	ContactID sdk.ID `json:"contactId" carrel:"required,ref=contacts,on_delete=cascade,doc=Who has it"`
	Tag       string `json:"tag" carrel:"required,index,max=60,doc=The tag, in lower case"`
}

var contactTags = sdk.Table[ContactTag]("contact_tags", "Tags of contacts", sdk.Unique("contactId", "tag"))

// Tagged is the data of crm.contact.tagged and crm.contact.untagged.
type Tagged struct {
	ContactID sdk.ID `json:"contactId"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	UserID    sdk.ID `json:"userId"`
	Tag       string `json:"tag"`
}

// taggedAs is what is told of a contact and a tag.
func taggedAs(contact sdk.Doc[Contact], tag string) Tagged {
	return Tagged{contact.ID, contact.Body.Email, contact.Body.Name, contact.Body.UserID, tag}
}

var (
	contactTagged = sdk.Event[Tagged]("crm.contact.tagged", 1,
		"A contact was given a tag it did not have. The userId is empty for one without an account.")
	contactUntagged = sdk.Event[Tagged]("crm.contact.untagged", 1, "A tag was taken off a contact.")
)

type tagRequest struct {
	Tag string `json:"tag" carrel:"required,max=60,doc=The tag: letters, digits and - _ . : with spaces as dashes"`
}

// tagContact gives a contact a tag: 201, or 200 if it has it.
func tagContact(c *sdk.Ctx, in tagRequest) (doc sdk.RawDoc[ContactTag], err error) {
	contact, err := named(c)
	if err != nil {
		return doc, err
	}
	tag, problem := normalizeTag(in.Tag)
	if problem != "" {
		return doc, sdk.Violation("body.tag", "%s", problem)
	}
	there, _, err := contactTags.Where("contactId", contact.ID).Where("tag", tag).Limit(1).RawDocs(c)
	if err != nil {
		return doc, err
	}
	if len(there) > 0 {
		return there[0], nil
	}
	if doc, err = contactTags.Add(c, ContactTag{contact.ID, tag}); err != nil {
		return doc, err
	}
	c.SetStatus(201)
	return doc, contactTagged.Emit(c, taggedAs(contact, tag))
}

// untagContact takes a tag off the contact that `:id` names.
func untagContact(c *sdk.Ctx) error {
	contact, err := named(c)
	if err != nil {
		return err
	}
	tag, _ := normalizeTag(c.Param("tag"))
	doc, found, err := contactTags.Where("contactId", contact.ID).Where("tag", tag).First(c)
	if err != nil {
		return err
	}
	if !found {
		return sdk.NotFound("The contact has no such tag.")
	}
	return untag(c, doc, contact)
}

// removeTag is untagContact for the tag's own id.
func removeTag(c *sdk.Ctx) error {
	doc, err := contactTags.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return err
	}
	contact, err := contacts.Get(c, doc.Body.ContactID)
	if err != nil {
		return err
	}
	return untag(c, doc, contact)
}

func untag(c *sdk.Ctx, doc sdk.Doc[ContactTag], contact sdk.Doc[Contact]) error {
	if err := contactTags.Delete(c, doc.ID); err != nil {
		return err
	}
	return contactUntagged.Emit(c, taggedAs(contact, doc.Body.Tag))
}

// listTags lists the tags of a contact.
func listTags(c *sdk.Ctx) (sdk.Page[ContactTag], error) {
	contact, err := named(c)
	if err != nil {
		return sdk.Page[ContactTag]{}, err
	}
	return contactTags.Where("contactId", contact.ID).Sort("tag").Limit(200).Cursor(c.Query("cursor")).Page(c)
}

// named finds the contact that `:id` names, or the one it was merged into.
func named(c *sdk.Ctx) (sdk.Doc[Contact], error) {
	doc, err := contacts.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return doc, err
	}
	return present(c, doc)
}

// normalizeTag takes "  VIP Customer" for "vip-customer". The problem says why
// it cannot be a tag.
func normalizeTag(tag string) (normal, problem string) {
	normal = strings.ToLower(strings.Join(strings.Fields(tag), "-"))
	if normal == "" {
		return "", "is required"
	}
	for _, letter := range normal {
		if !unicode.IsLetter(letter) && !unicode.IsDigit(letter) && !strings.ContainsRune("-_.:", letter) {
			return "", "may hold letters, digits and - _ . : only"
		}
	}
	return normal, ""
}
