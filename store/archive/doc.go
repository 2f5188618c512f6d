// Package archive is the file that a backup is: all of a deployment, or one
// workspace of it, in a form that knows no database. What was read from SQLite can
// be restored into Postgres and back, byte for byte.
//
// An archive is a tar file. Any tool lists it, and what is in it can be read
// without Carrel:
//
//	manifest.json                 what it is, and of each member its rows, size and SHA-256
//	tables/<table>.jsonl.zst      the rows of one table, an object a line, in the order of its key
//	blobs.tar                     the bytes of blobs, by their keys, unless they were left out
//	registry/…                    an OCI layout with the releases, unless they were left out
//	documents/<plugin>.<table>.jsonl  in exports: what a plugin keeps, for people and their programs
//	sha256                        of everything before it; so a file that was cut off or changed is none
//
// It imports core and a compressor, and must never import a database or know who
// asks: a database is a Snapshot to read and a Transaction to write.
//
// Start with tables.go (what is in an archive), then writer.go and reader.go (the
// file), then backup.go, restore.go, workspace.go, export.go and erase.go (what is
// done with it).
package archive
