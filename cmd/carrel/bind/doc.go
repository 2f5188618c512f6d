// Package bind writes what a plugin tells of as Go code for the authors of other
// plugins: the types of its events and their data, from the JSON Schemas of its
// manifest, and its settings.
//
// The manifest is a stranger's. Of its texts nothing gets into the code but as a
// comment or a quoted string, and its names only as far as they are identifiers.
// It imports core/abi and the standard library.
//
// Start with source.go (the file), then types.go (a schema as a Go type) and
// names.go.
package bind
