// Package client asks servers the way benchmarks do: kinds of work that are the
// same for whoever answers, and connections that make such requests and check the
// answers. It must not know who is asked.
package client
