// Command pong is a plugin for tests that keeps what it hears, every time it hears
// it. It hears of contacts, and of ping, whose events it may not be able to stand, as the event says: "refuse" and "crash" until it is cured, "answer"
// without an end.
package main

import (
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

// ball is what ping.rang is read as, and the data of pong.rang.
type ball struct {
	Number int    `json:"number"`
	Do     string `json:"do"`
}

// heard is a document of each event that was taken.
type heard struct {
	Event  string `json:"event" carrel:"required,index,max=100,doc=The event's id"`
	Number int    `json:"number" carrel:"index,doc=Which of them"`
	Hop    int    `json:"hop" carrel:"doc=Deliveries before this one"`
}

// cure is there when nothing makes pong ill.
type cure struct {
	Name string `json:"name" carrel:"required,unique,max=50"`
}

var (
	rang    = sdk.Event[ball]("pong.rang", 1, "Pong rang")
	hearing = sdk.Table[heard]("heard", "What was heard")
	cures   = sdk.Table[cure]("cures", "What pong was cured with")
)

func init() {
	sdk.Plugin("pong", "1.0.0", nil).
		Publisher("carrel").Title("Pong").Summary("Hears ping.").
		Uses(abi.CapabilityData, "To keep what it hears.").
		Uses(abi.CapabilityEvents, "To hear ping, and to answer.").
		Tables(hearing, cures).
		Emits(rang).
		Mutation("POST /cures", cures.Create).
		Query("GET /heard", hearing.List).
		On("ping.rang", hear).
		On("crm.contact.created", hear)
}

func main() {}

func hear(c *sdk.Ctx, in ball) error {
	if _, err := hearing.Insert(c, heard{Event: c.Event().ID, Number: in.Number, Hop: c.Event().Hop}); err != nil {
		return err
	}
	cured, _, err := cures.All().Limit(1).Docs(c)
	switch {
	case err != nil:
		return err
	case in.Do == "answer":
		return rang.Emit(c, in)
	case len(cured) > 0:
		return nil
	case in.Do == "refuse":
		return sdk.Invalid("%d is more than pong can take", in.Number)
	case in.Do == "crash":
		panic("pong is ill")
	default:
		return nil
	}
}
