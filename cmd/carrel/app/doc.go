// Package app puts a Carrel server together: it opens the data folder, makes
// the services of core/* over it, joins the engine with the host functions, and
// serves HTTP. It is the only place that sees everything, so that nothing else
// has to. It decides nothing a service could decide.
//
// Start with app.go; each of the other files joins two packages that must not
// know each other.
package app
