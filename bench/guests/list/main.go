// Command list is the benchmark's plugin on Carrel's SDK: it lists contacts, once
// as they come, once after decoding each.
package main

import (
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

// Contact is what a contact of a CRM is like.
type Contact struct {
	Email     string `json:"email" carrel:"email,required,unique,max=254"`
	Name      string `json:"name" carrel:"required,index,max=200"`
	Phone     string `json:"phone" carrel:"max=40"`
	Lifecycle string `json:"lifecycle" carrel:"index,enum=lead|prospect|customer|churned,default=lead"`
	Source    string `json:"source" carrel:"index,max=80"`
}

var contacts = sdk.Table[Contact]("contacts", "People")

func init() {
	sdk.Plugin("list", "1.0.0", nil).
		Publisher("carrel").Title("List").Summary("Lists people.").
		Uses(abi.CapabilityData, "To list contacts.").
		Tables(contacts).
		Query("GET /contacts", contacts.List).
		Query("GET /decoded", decoded)
}

func decoded(c *sdk.Ctx) ([]sdk.Doc[Contact], error) {
	docs, _, err := contacts.All().Limit(20).Docs(c)
	return docs, err
}

func main() {}
