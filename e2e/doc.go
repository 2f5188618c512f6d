// Package e2e holds stories through a running server: over HTTP with API
// tokens, in a real browser, and with kill -9. Stories read
//
//	As(alice).In(acme).Install("crm")
//
// It imports cmd/carrel/app to start servers in the test's own process, and
// builds the carrel binary where a story needs to kill one. Nothing imports it.
//
// Start with world_test.go (a server and its people), then crm_test.go.
package e2e
