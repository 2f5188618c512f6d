// Package api is the platform's own API, /api/v1: accounts, workspaces,
// installations, the marketplace, releases. Each operation is a typed function
// over a service of core; huma checks the request against the function's input
// type, and the OpenAPI document is made of the same types.
//
// It may import core, the services below it, registry, and web's session and
// problem packages; never a store, the engine or the gateway. What an operation
// needs to be allowed is said where it is registered (operation.go), and an
// operation that says nothing needs an account.
//
// Start with api.go, then operation.go and any of the nouns.
package api
