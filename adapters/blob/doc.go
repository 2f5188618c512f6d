// Package blob keeps the bytes of blobs in a bucket: a folder, or one of S3.
//
// It imports core and the drivers of those two, and must never know a workspace or
// decide who may read: that is in the keys it is given, and decided before.
//
// Start with bucket.go.
package blob
