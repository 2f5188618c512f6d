// Package jsonschema checks the settings of an installation against the JSON
// Schema its manifest declares. It implements core/workspace's Schemas, imports
// core and the schema library, and never loads a schema from a file or the
// network: what a manifest refers to must be in the manifest.
//
// Start with checker.go.
package jsonschema
