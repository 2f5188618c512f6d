package store

import "time"

// Pool is what a node's connections to its database do, for who watches them.
type Pool struct {
	Busy, Idle int
	Waits      int64         // times that somebody waited for one
	Waited     time.Duration // by all of them together
}
