package main

import "github.com/carrel-dev/carrel/sdk"

// List is something people subscribe to.
type List struct {
	Name  string `json:"name" carrel:"required,index,max=100,doc=Name, as its subscribers see it"`
	Slug  string `json:"slug" carrel:"required,unique,max=60,doc=Name in the address of its public form: lower-case letters, digits and dashes"`
	Optin string `json:"optin" carrel:"enum=single|double,default=double,doc=Double: an address is on the list once its owner has said so in a mail"`
	Tag   string `json:"tag" carrel:"index,max=80,doc=Contacts of the CRM that get this tag are put on the list"`
}

var lists = sdk.Table[List]("lists", "What people subscribe to")

func createList(c *sdk.Ctx, in List) (doc sdk.RawDoc[List], err error) {
	if err := checkSlug(in.Slug); err != nil {
		return doc, err
	}
	return lists.Create(c, in)
}

func changeList(c *sdk.Ctx, changes sdk.Partial[List]) (doc sdk.RawDoc[List], err error) {
	if changes.Has("slug") {
		values, err := changes.Values()
		if err == nil {
			err = checkSlug(values.Slug)
		}
		if err != nil {
			return doc, err
		}
	}
	return lists.Change(c, changes)
}

func checkSlug(slug string) error {
	if !isKey(slug) {
		return sdk.Violation("body.slug", "must be lower-case letters, digits and dashes, such as newsletter")
	}
	return nil
}
