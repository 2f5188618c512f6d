// Package pgtest runs a Postgres for tests: a cluster of the test's own process,
// in a temporary folder, with a database for each test. It imports a driver to
// make databases, and must never know a table of Carrel's.
//
// Start with Open; a package that uses it ends its TestMain with Main.
package pgtest
