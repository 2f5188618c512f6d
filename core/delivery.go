package core

import (
	"encoding/json"
	"time"
)

// DeliveryState is where a delivery is.
//
//	pending -> running -> done
//	              |-> retry -> running ...
//	              |-> held -> pending or retry (its installation can be used again)
//	              `-> set_aside -> pending (redriven by a person)
type DeliveryState string

const (
	DeliveryPending  DeliveryState = "pending"
	DeliveryRunning  DeliveryState = "running"
	DeliveryRetry    DeliveryState = "retry"
	DeliveryDone     DeliveryState = "done"
	DeliveryHeld     DeliveryState = "held"
	DeliverySetAside DeliveryState = "set_aside"
)

// Next reports whether a delivery may go from s to next.
func (s DeliveryState) Next(next DeliveryState) bool {
	switch s {
	case DeliveryPending, DeliveryRetry:
		return next == DeliveryRunning
	case DeliveryRunning:
		return next == DeliveryDone || next == DeliveryRetry || next == DeliveryHeld || next == DeliverySetAside || next == DeliveryRunning // lease expired, claimed again
	case DeliveryHeld:
		return next == DeliveryPending || next == DeliveryRetry
	case DeliverySetAside:
		return next == DeliveryPending
	default:
		return false
	}
}

// Bounds of the jobs of one installation that are not over: pending, running, held or
// to be tried again. A unit that schedules jobs is refused with RateLimited when
// it leaves more than these behind; one that ends a job and schedules its
// continuation leaves as many as it found.
const (
	MaxWaitingJobs  = 10_000
	MaxWaitingBytes = 64 << 20 // of their payloads
)

// MaxWaitingEvents is how many events an installation may have waiting for a
// listener to add to them. Two plugins that answer each event with a thousand
// would otherwise have a thousand to the power of all their hops. What people
// and schedules cause is always taken: an installation that is off for days
// misses nothing.
const MaxWaitingEvents = 20_000

// Delivery is work an installation has to do later: a job it scheduled, or an
// event it listens to. Its row is written in the unit of work that caused it
// and completed in the unit of work that does it, which is what makes the
// effect happen exactly once.
type Delivery struct {
	ID        DeliveryID
	Workspace WorkspaceID
	Install   InstallationID
	Event     EventID // empty: a job
	Handler   string  // of a job; of an event its type, as the listener is found when it is due
	Payload   json.RawMessage
	State     DeliveryState
	Attempt   int       // tries begun
	Due       time.Time // when it may run; while running, when its lease ends
	LastError string    // message of the last failed attempt, or why it is held
	Hop       int       // deliveries of events between it and the first cause
	Created   time.Time
	Trace     Trace     // what put it
	Owed      time.Time // of one that was just claimed: when it was due; else zero

	// A job that is an occurrence of a schedule of the manifest: its name, and when
	// it was first due. The unit that ends one puts the next.
	Schedule   string
	Occurrence time.Time
}
