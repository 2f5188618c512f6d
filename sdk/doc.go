// Package sdk is what a plugin in Go is written with: it declares a plugin in
// code, calls its handlers and gives them the workspace's data.
//
//	var contacts = sdk.Table[Contact]("contacts", "People we know")
//
//	func init() {
//		sdk.Plugin("crm", "1.0.0", docs).
//			Publisher("carrel").Title("CRM").Summary("Contacts and companies").
//			Uses(abi.CapabilityData, "To keep your contacts.").
//			Tables(contacts).
//			Query("GET /contacts", contacts.List).
//			Mutation("POST /contacts", create, sdk.Summary("Add a contact"))
//	}
//
//	func main() {}
//
// Built with GOOS=wasip1 GOARCH=wasm -buildmode=c-shared (`carrel plugin build`
// does), a plugin answers the exports carrel_abi, carrel_manifest, carrel_call and
// carrel_warm. The same code builds natively, for vet and unit tests; there a
// host call panics, because there is no host.
//
// The package is linked into every plugin, so it imports the standard library
// and core/abi only, and of the standard library no net, os or text/template.
//
// Start with plugin.go (what can be declared), then handler.go (what a handler
// looks like), context.go (what it is given) and table.go (data). host.go keeps
// what a handler only passes on out of the guest, warm.go prepares its image.
package sdk
