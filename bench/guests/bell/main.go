// Command bell is the plugin of the benchmark of events, on Carrel's SDK: it
// rings, and keeps what it hears.
package main

import (
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

// Ring is the data of bell.rang.
type Ring struct {
	Number int    `json:"number"`
	Who    string `json:"who"`
}

// Peal is many rings.
type Peal struct {
	Number int    `json:"number"`
	Who    string `json:"who"`
	Times  int    `json:"times"`
}

// Heard is a document of each ring.
type Heard struct {
	Event  string `json:"event" carrel:"required,index,max=100"`
	Number int    `json:"number" carrel:"index"`
	Who    string `json:"who" carrel:"max=200"`
}

var (
	rang  = sdk.Event[Ring]("bell.rang", 1, "Somebody rang")
	heard = sdk.Table[Heard]("heard", "What was heard")
)

func init() {
	sdk.Plugin("bell", "1.0.0", nil).
		Publisher("carrel").Title("Bell").Summary("Rings, and hears it.").
		Uses(abi.CapabilityData, "To keep what it hears.").
		Uses(abi.CapabilityEvents, "To ring and to hear it.").
		Tables(heard).
		Emits(rang).
		Mutation("POST /ring", ring).
		Mutation("POST /peal", peal).
		On(rang, hear)
}

func main() {}

func ring(c *sdk.Ctx, in Ring) error { return rang.Emit(c, in) }

func peal(c *sdk.Ctx, in Peal) error {
	for i := range in.Times {
		if err := rang.Emit(c, Ring{Number: in.Number + i, Who: in.Who}); err != nil {
			return err
		}
	}
	return nil
}

// hear keeps a ring. That it is kept once is the host's doing: no index has to be
// unique for it.
func hear(c *sdk.Ctx, in Ring) error {
	_, err := heard.Insert(c, Heard{Event: c.Event().ID, Number: in.Number, Who: in.Who})
	return err
}
