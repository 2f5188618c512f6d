// Command ping is a plugin for tests that tells of as much as it is asked to, and
// answers whoever answers it, without an end of its own. Pong is the other one.
package main

import (
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

// ball is the data of ping.rang, and what pong.rang is read as.
type ball struct {
	Number int    `json:"number"`
	Do     string `json:"do"` // what pong is to do about it
}

var rang = sdk.Event[ball]("ping.rang", 1, "Ping rang")

func init() {
	sdk.Plugin("ping", "1.0.0", nil).
		Publisher("carrel").Title("Ping").Summary("Rings as often as it is asked to.").
		Uses(abi.CapabilityEvents, "To ring, and to answer.").
		Emits(rang).
		Mutation("POST /ring", ring).
		On("pong.rang", func(c *sdk.Ctx, in ball) error { return rang.Emit(c, in) })
}

func main() {}

// ring tells of so many numbers, from 0, each with what is to be done about it.
func ring(c *sdk.Ctx, in struct {
	Times int            `json:"times"`
	Do    map[int]string `json:"do"`
}) error {
	for n := range in.Times {
		if err := rang.Emit(c, ball{Number: n, Do: in.Do[n]}); err != nil {
			return err
		}
	}
	return nil
}
