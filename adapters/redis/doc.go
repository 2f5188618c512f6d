// Package redis is what the nodes of a deployment tell each other through a
// Redis they share: that deliveries became due, that what authorises in a
// workspace moved on, and what they counted for limits that hold over all of them.
//
// Everything in that Redis may be lost, repeated, late or forged. Then nodes do
// work twice or later, or count on their own; nothing is authorised by what it
// says. The package imports core, and must never keep there what is not elsewhere.
//
// Start with Link in link.go.
package redis
