// Package registry keeps releases: immutable versions of plugins, each a module
// and its manifest, in an OCI image layout on disk that any OCI tool can read,
// copy and push. It publishes, lists, finds and serves them, and never trusts
// its own disk: what it serves has the digest it was published with.
//
//	oci-layout, index.json   the layout; index.json names every release
//	blobs/sha256/…           modules, manifests, configurations, by digest
//	ingest/                  blobs being written
//	carrel.lock              held while a process has the registry open
//
// A release is an OCI image manifest tagged `publisher/name:version`, with a
// configuration of type application/vnd.wasm.config.v0+json and exactly one
// layer, the module. What is known about a release is attached to it as a
// referrer, a manifest whose subject is the release: the Carrel manifest now,
// signatures and bills of materials beside it later, so that adding one never
// changes the digest of the release.
//
// It imports core, core/abi and oras-go, and must never import the engine or a
// service: whether a module is a valid plugin is asked of a Checker.
//
// Start with registry.go (what others call), then publish.go (the one way a
// release comes to be) and layout.go (the files).
package registry
