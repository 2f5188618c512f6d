package core

import (
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// Outcome is how an invocation ended.
type Outcome string

const (
	OutcomeOK             Outcome = "ok"
	OutcomeGuestError     Outcome = "guest_error" // the handler said no
	OutcomeTrap           Outcome = "trap"        // crashed, exited, or answered rubbish
	OutcomeOutOfFuel      Outcome = "out_of_fuel"
	OutcomeTimeout        Outcome = "timeout"
	OutcomeMemoryExceeded Outcome = "memory_exceeded"
	OutcomeDenied         Outcome = "denied"
	OutcomeConflict       Outcome = "conflict" // still conflicting after the last re-run
	OutcomeFailed         Outcome = "failed"   // not the handler's doing: its unit was refused or could not be stored, or the server could not run it
)

// InvocationRecord says what one invocation was and cost. It is kept whatever
// the outcome, outside the unit of work.
type InvocationRecord struct {
	ID        InvocationID
	Workspace WorkspaceID
	Install   InstallationID
	Handler   string
	Kind      abi.Kind
	Trigger   abi.Trigger
	Outcome   Outcome
	Runs      int   // of the handler: one, one more for each conflict, and one when a unique value was taken
	Fuel      int64 // units, all runs together
	Duration  time.Duration
	Error     string // message, for the workspace's own eyes
	Started   time.Time
	Delivery  DeliveryID // what it was an attempt of; empty: a request or a step of an installation
	Attempt   int        // of the delivery, from 1
	Log       []LogLine  // the first lines of the last run
	Request   RequestID  // that it was made for, or because of
}

// LogLine is a line a guest logged.
type LogLine struct {
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields,omitempty"`
}
