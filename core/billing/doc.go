// Package billing knows what a workspace pays for: the plans of the server,
// each workspace's contract over time, and the sums of what was used.
//
// It imports core only. Quotas are enforced where the usage is written, in the
// unit of work; this package reads and explains them. Start with plans.go.
package billing
