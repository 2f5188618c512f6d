// Command tide is a plugin of the benchmark of many workspaces, on Carrel's SDK: it
// has something to do once a day, in every one of them.
package main

import (
	"time"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

// Mark is a document of each day.
type Mark struct {
	Day string `json:"day" carrel:"required,unique,max=10"`
}

var marks = sdk.Table[Mark]("marks", "What was marked each day")

func init() {
	sdk.Plugin("tide", "1.0.0", nil).
		Publisher("carrel").Title("Tide").Summary("Marks each day.").
		Uses(abi.CapabilityData, "To keep its marks.").
		Uses(abi.CapabilityJobs, "To mark each day.").
		Tables(marks).
		Query("GET /marks", marks.List).
		Every("0 4 * * *", "mark", mark, sdk.Summary("Mark the day"))
}

func main() {}

func mark(c *sdk.Ctx) error {
	_, err := marks.Insert(c, Mark{Day: c.Now().Format(time.DateOnly)})
	return err
}
