// Package schema turns a release's declared tables into code that checks a
// document's body, brings it into its canonical form, and encodes its place in
// an index as bytes whose order is the order of the values.
//
// It is pure: it reads and writes nothing, and must never import a database or
// package store. Start with table.go (what a declaration means), then value.go
// (the types), body.go (checking a document) and key.go (index keys).
package schema
