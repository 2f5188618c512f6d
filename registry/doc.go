// Package registry keeps releases: immutable versions of plugins, each a module
// and its manifest, where several nodes share them: in a folder, or in a
// repository of an OCI registry. It publishes, lists, finds and serves them, and
// never trusts where they are kept: what it serves has the digest it was
// published with.
//
// A folder is an OCI image layout that any OCI tool can read, copy and push. Any
// number of processes have it open; one at a time changes it.
//
//	oci-layout, index.json   the layout; index.json names every release
//	blobs/sha256/…           modules, manifests, configurations, by digest
//	ingest/                  blobs being written
//	carrel.lock              held while a release is published or yanked
//
// Of an OCI registry a node keeps what it has read in a folder like that, by
// which it goes on while the registry is down. Nothing there is locked, and tags
// can be written again; nodes agree by tags that are only ever added.
//
// A release is an OCI image manifest tagged `publisher/name:version` (in an OCI
// registry `publisher_name_version`), with a configuration of type
// application/vnd.wasm.config.v0+json and exactly one layer, the module. What is
// known about a release is attached to it as a referrer, a manifest whose
// subject is the release: the Carrel manifest now, signatures and bills of
// materials beside it later, so that adding one never changes the digest of the
// release.
//
// It imports core, core/abi and oras-go, and must never import the engine or a
// service: whether a module is a valid plugin is asked of a Checker.
//
// Start with registry.go (what others call) and look.go (how new their answers
// are), then publish.go (the one way a release comes to be), folder.go and
// remote.go (the two places), layout.go (the files) and agree.go (the tags).
package registry
