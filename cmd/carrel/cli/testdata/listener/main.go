// Command listener is a plugin that listens to another by code that carrel
// plugin bind wrote.
package main

import (
	"github.com/carrel-dev/carrel/cmd/carrel/cli/testdata/listener/shop"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

func init() {
	sdk.Plugin("listener", "1.0.0", nil).
		Publisher("acme").
		Title("Listener").
		Summary("Hears of orders.").
		Uses(abi.CapabilityEvents, "To hear of orders.").
		On(shop.OnOrderPaid(paid)).
		On(shop.OnCartLeft(left))
}

func main() {}

func paid(c *sdk.Ctx, order shop.OrderPaid) error {
	for _, item := range order.Items {
		c.Log(sdk.Info, "sold", "order", order.OrderID, "sku", item.SKU, "price", item.Price.Amount, "at", order.PaidAt)
	}
	if order.Note == nil {
		return nil
	}
	return sdk.Invalid("%s: %s has a note", c.Event().Type, *order.Note)
}

func left(c *sdk.Ctx, cart shop.CartLeft) error {
	c.Log(sdk.Info, "left", "cart", cart["id"])
	return nil
}
