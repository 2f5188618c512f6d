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
// # Handlers
//
// A handler has one of the shapes
//
//	func(*sdk.Ctx) error
//	func(*sdk.Ctx, In) error
//	func(*sdk.Ctx) (Out, error)
//	func(*sdk.Ctx, In) (Out, error)
//
// In is decoded from the request's body or the job's payload, strictly; from an
// event's data without regard to what it doesn't know, as the plugin that emits
// it adds to it when it likes. If it is a struct, fields tagged `path:"id"` and
// `query:"stage"` are filled from a request. Out is encoded as the answer.
//
// # Field tags
//
// A struct field says about itself in its tags what the host is to know:
//
//	Email string `json:"email" carrel:"email,unique,doc=Lower-case address"`
//
// The words of a carrel tag: a field type (else the Go type decides), required,
// unique, index, secret, enum=a|b, default=, max= (characters, or items of a
// list), ref=table, on_delete=, and doc=, which is last and takes the rest,
// commas included. A secret setting is written and never read back; a secret
// field of a table is left out where the console shows what a plugin keeps. A
// field tagged path or query is filled from there and must be `json:"-"`.
//
// # Inside
//
// The package is linked into every plugin, so it imports the standard library
// and core/abi only, and of the standard library no net, os or text/template.
//
// Start with plugin.go (what can be declared), then handler.go (what a handler
// looks like), context.go (what it is given) and table.go (data). host.go keeps
// what a handler only passes on out of the guest, warm.go prepares its image.
package sdk
