// Package gateway is the way to plugins over HTTP: /w/{workspace}/{plugin}/…
// becomes an abi.Request, and an abi.Response becomes an answer. Which route a
// path is, who may use it and what its body must be is decided by
// core/dispatch; this package decides what of a request a guest may see at all,
// and what of its answer a browser may do.
//
// It may import core, the services below it, and web's session and problem
// packages; never a store or the API. Everything a guest is given is copied:
// Fiber recycles the rest.
//
// Start with gateway.go, then target.go, request.go and response.go.
package gateway
