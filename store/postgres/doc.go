// Package postgres keeps what a deployment has in a Postgres database that its nodes
// share: the documents of package store, and the plain relational tables of the
// platform (accounts, workspaces, installations, deliveries). It imports core, store,
// store/archive and its driver, and must never import a service of core/* or know a
// guest.
//
// Start with db.go (connections and roles), batch.go (how statements travel and
// what they expect), commit.go (how a unit of work is validated and applied), then
// presence.go (what becomes of a node's deliveries when it is gone), dump.go (backups)
// and migrations (the tables and their row level security).
package postgres
