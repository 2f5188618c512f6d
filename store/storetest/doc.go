// Package storetest is the suite every store.Backend passes: what documents,
// queries, references and units of work do; a state machine compared step by
// step with a plain in-memory model; concurrent histories replayed on the model
// in commit order; and the bounds. Beside it are the suites of deliveries
// (RunDeliveries) and of accounts, workspaces and what happened in them
// (RunPlatform).
//
// It imports store as its users do and knows no Backend. Start with
// storetest.go (Run), then model.go (the whole of the semantics, naively).
package storetest
