package runtime

import (
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Report is what ingest found out about a module, and how it will be run.
type Report struct {
	Digest core.Digest `json:"digest"`
	// Engine is "image" when every call starts from the memory image, "plain"
	// when every call starts the module anew; Plain says why.
	Engine string `json:"engine"`
	Plain  string `json:"plain,omitempty"`

	Functions int   `json:"functions"` // of the module's own
	Size      int64 `json:"size"`      // bytes of the module
	Woven     int64 `json:"woven"`     // bytes of the module with its fuel and stack checks
	Code      int64 `json:"code"`      // bytes of machine code
	Image     int64 `json:"image"`     // bytes of the memory image
	Touched   int64 `json:"touched"`   // bytes of it that are not zero pages

	Warm   bool    `json:"warm"` // it exports carrel_warm, which ran before the image was taken
	Fuel   int64   `json:"fuel"` // units its start-up took
	Stages []Stage `json:"stages"`
}

// Stage is one step of ingest.
type Stage struct {
	Name string        `json:"name"`
	Took time.Duration `json:"took"` // nanoseconds
}

// The ways a module is run.
const (
	EngineImage = "image"
	EnginePlain = "plain"
)
