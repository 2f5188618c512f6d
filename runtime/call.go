package runtime

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// The exports of a plugin that speaks Carrel's ABI; each is `() -> i32`.
const (
	ExportABI      = "carrel_abi"      // the version it speaks
	ExportCall     = "carrel_call"     // runs a handler
	ExportManifest = "carrel_manifest" // answers the manifest
	ExportWarm     = "carrel_warm"     // `() -> ()`: gets ready before the image is taken
)

// Host is the one choke point: every operation a guest asks for, by either ABI,
// comes through Call. An error is answered to the guest as an abi.Error with
// the error's kind and safe message. Call runs on the guest's goroutine; ctx
// ends with the call's time. The request is Call's to keep.
type Host interface {
	Call(ctx context.Context, op abi.Op, request []byte) (response []byte, err error)
}

// Call is one call of a function of a module.
type Call struct {
	// Function is the export to call: carrel_call for a plugin, any export
	// `() -> i32` or `() -> ()` for an Extism module.
	Function string
	// Installation is whose call it is. An instance serves one installation.
	Installation core.InstallationID
	Input        []byte
	Limits       Limits
	Now          time.Time // the guest's clock starts here
	Seed         [32]byte  // keys the guest's random numbers; secret, never used twice
	Host         Host      // nil refuses every operation
	Config       map[string]string
	// Log receives what the guest logs or prints, bounded in number and size;
	// level is debug, info, warn or error. nil drops it.
	Log func(level, message string)
	// Yield is called when the guest has used a slice of its fuel, and may take its
	// time, which counts as the call's. nil: the guest runs on.
	Yield func(ctx context.Context)
}

// Limits bound one call. Zero means the engine's own: Memory the engine's
// MaxMemory, Time 10 s, Output 8 MiB, Fuel 20,000,000,000 units. A call may set
// more of each but of Memory, which is never more than MaxMemory.
type Limits struct {
	Memory int64 // bytes: linear memory and Extism memory together
	Time   time.Duration
	Output int64 // bytes of the answer
	Fuel   int64 // units, see docs/fuel.md
}

const (
	defaultMemory = 64 << 20
	defaultTime   = 10 * time.Second
	defaultOutput = 8 << 20
)

// within returns the limits with the engine's own filled in.
func (l Limits) within(maxMemory int64) Limits {
	if l.Memory <= 0 || l.Memory > maxMemory {
		l.Memory = maxMemory
	}
	if l.Time <= 0 {
		l.Time = defaultTime
	}
	if l.Output <= 0 {
		l.Output = defaultOutput
	}
	if l.Fuel <= 0 {
		l.Fuel = defaultFuel
	}
	return l
}

// Result is how a call ended. Output is set only with OutcomeOK.
type Result struct {
	Output   []byte
	Outcome  core.Outcome
	Fuel     int64 // units used, whatever the outcome
	Duration time.Duration
	Err      error // nil with OutcomeOK, else a core.Error whose message may be shown
}
