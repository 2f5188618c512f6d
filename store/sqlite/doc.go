// Package sqlite keeps what a server has in one SQLite file: the documents
// of package store, and the plain relational tables of the platform (accounts,
// workspaces, installations, deliveries). It imports core, store and its
// driver, and must never import a service of core/* or know a guest.
//
// Start with db.go (the file and its pools), committer.go (the only writer),
// then commit.go (how a unit of work is validated and applied).
package sqlite
