// Package store is the document engine: plugin tables with declared schemas,
// order-preserving index keys, and the unit of work, which records what a
// handler read and buffers what it wrote until one short transaction validates
// the reads and applies the writes.
//
// It knows no database: a Backend keeps documents and entries, and
// store/storetest is the one suite every Backend passes. The log of invocations,
// which every database takes in batches, is here, too. It imports core,
// core/abi and store/schema, and must never import a driver, a service of
// core/* or anything of a guest.
//
// Start with unit.go (what a handler can do), then backend.go (the seam to a
// database), then plan.go (how a query finds its index).
package store
