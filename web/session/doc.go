// Package session finds out who is asking: the session cookie, API tokens, and
// the refusal of requests that another site made a browser send. The API, the
// gateway and the console share it. It imports core, core/account and Fiber; it
// must not know routes, workspaces or plugins.
//
// Start with session.go (the middleware), then crossorigin.go.
package session
