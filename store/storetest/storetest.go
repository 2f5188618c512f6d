package storetest

import (
	"testing"

	"github.com/carrel-dev/carrel/store"
)

// Run runs the suite. open returns a Backend over an empty database of the
// test's own; it is called once per part of the suite.
func Run(t *testing.T, open func(t *testing.T) store.Backend) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(*testing.T, store.Backend)
	}{
		{"Documents", documents},
		{"Refusals", refusals},
		{"Unique", unique},
		{"Assumed", assumed},
		{"Queries", queries},
		{"Plans", plans},
		{"Cursors", cursors},
		{"ReadYourWrites", readYourWrites},
		{"LongKeys", longKeys},
		{"References", references},
		{"Conflicts", conflicts},
		{"Unread", unread},
		{"Moments", moments},
		{"Epoch", epoch},
		{"Changes", changes},
		{"Increments", increments},
		{"Jobs", jobs},
		{"Blobs", blobs},
		{"BrokenBlobs", brokenBlobs},
		{"BlobQuota", blobQuota},
		{"FailedReads", failedReads},
		{"Bounds", bounds},
		{"OtherWorkspaces", OtherWorkspaces},
		{"OtherTables", OtherTables},
		{"Model", model},
		{"Histories", histories},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, open(t)) })
	}
}
