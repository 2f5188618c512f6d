package sdk

import "github.com/carrel-dev/carrel/core/abi"

// Option says more about a route, a job or a page.
type Option func(*options)

type options struct {
	scope, summary, icon string
	public, raw, hidden  bool
	parameters           []abi.Parameter
}

// Scope asks that the actor has a scope the plugin defines with
// Declaration.Permission: "crm.contacts.write". Without it every member may use
// the route.
func Scope(name string) Option { return func(o *options) { o.scope = name } }

// Summary documents a route or a job, in one sentence.
func Summary(text string) Option { return func(o *options) { o.summary = text } }

// Parameter documents a query parameter that the handler reads with Ctx.Query.
// Those of a table's List and of In's tags are documented by themselves.
func Parameter(name, doc string) Option {
	return func(o *options) { o.parameters = append(o.parameters, abi.Parameter{Name: name, Doc: doc}) }
}

// Icon names the picture beside a page in the console's navigation: one that
// docs/authors.md lists. Any other name, and none, is a dot.
func Icon(name string) Option { return func(o *options) { o.icon = name } }

// Raw makes a route's body bytes, to be read with Ctx.Body. Its answer may be
// Bytes.
func Raw(o *options) { o.raw = true }

// Public opens a route to people who are not signed in.
func Public(o *options) { o.public = true }

// Hidden keeps a page out of the console's navigation.
func Hidden(o *options) { o.hidden = true }

func collect(list []Option) options {
	var o options
	for _, option := range list {
		option(&o)
	}
	return o
}
