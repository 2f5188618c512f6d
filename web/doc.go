// Package web is the only place that knows HTTP: a Fiber server with the
// platform's API (web/api), the gateway to plugins (web/gateway) and the
// console (web/console, handed in by the program). What those share is in
// web/session (who is asking) and web/problem (how to say no).
//
// Fiber recycles a request's memory when its handler returns, so every string
// and body that outlives the handler is copied where it enters: web/api's
// adapter and web/gateway's request.go, nowhere else. Package web must never
// import a store, the engine or a driver.
//
// Start with server.go, then middleware.go.
package web
