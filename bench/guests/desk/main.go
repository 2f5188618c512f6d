// Command desk is the plugin of the benchmark of HTTP, on Carrel's SDK. Its peers
// in http/pocketbase and http/fiber answer the same requests.
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

// Order is what is asked for, and Receipt what it comes to.
type Order struct {
	Order string `json:"order"`
	Email string `json:"email"`
	Items []Item `json:"items"`
}

// Item is a line of an order.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
	Price    int    `json:"price"`
}

// Receipt is the answer to an order.
type Receipt struct {
	Order string `json:"order"`
	Items int    `json:"items"`
	Total int    `json:"total"`
}

// What is listed and what is inserted are apart, so that the list is as long for
// everybody.
var (
	contacts = sdk.Table[Contact]("contacts", "People who are listed")
	arrivals = sdk.Table[Contact]("arrivals", "People who came")
)

func init() {
	sdk.Plugin("desk", "1.0.0", nil).
		Publisher("carrel").Title("Desk").Summary("Adds up orders, notes and lists people.").
		Uses(abi.CapabilityData, "To keep people.").
		Tables(contacts, arrivals).
		Query("POST /receipt", receipt).
		Query("GET /contacts", contacts.List).
		Mutation("POST /contacts", contacts.Create).
		Mutation("POST /arrivals", arrivals.Create)
}

func main() {}

func receipt(_ *sdk.Ctx, in Order) (Receipt, error) {
	out := Receipt{Order: in.Order, Items: len(in.Items)}
	for _, item := range in.Items {
		out.Total += item.Quantity * item.Price
	}
	return out, nil
}
