package console

import (
	"net/url"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// deliveries lists what plugins have to do.
func (c *Console) deliveries(v *visit) error {
	before, err := v.before("dlv_")
	if err != nil {
		return err
	}
	view := deliveriesView{State: core.DeliveryState(v.Query("state"))}
	if !slices.ContainsFunc(deliveryStates, func(s stateTab) bool { return s.State == view.State }) {
		return core.E("console.deliveries", core.Invalid, "A delivery is never in this state. Choose one of those above the list.")
	}
	if view.Deliveries, err = c.History.Deliveries(v.UserContext(), v.ws.ID, view.State, core.DeliveryID(before), listed); err != nil {
		return err
	}
	if view.Names, err = c.names(v); err != nil {
		return err
	}
	var last string
	if len(view.Deliveries) == listed {
		last = string(view.Deliveries[listed-1].ID)
	}
	view.First, view.Next = v.pages("/deliveries", url.Values{"state": {string(view.State)}}, before, last)
	return render(v.Ctx, deliveriesPage(v.frame("Deliveries"), view))
}

// delivery shows one, with its attempts.
func (c *Console) delivery(v *visit) error {
	ctx := v.UserContext()
	d, err := c.History.Delivery(ctx, v.ws.ID, core.DeliveryID(param(v.Ctx, "id")))
	if err != nil {
		return err
	}
	return c.showDelivery(v, nil, d)
}

func (c *Console) showDelivery(v *visit, refusal *problemView, d core.Delivery) error {
	view := deliveryView{Delivery: d}
	titles, err := c.names(v)
	if err != nil {
		return err
	}
	view.Plugin = titles.of(d.Install)
	if view.Attempts, err = c.History.Attempts(v.UserContext(), v.ws.ID, []core.DeliveryID{d.ID}); err != nil {
		return err
	}
	slices.Reverse(view.Attempts) // the newest first, as in the lists
	f := v.frame(d.Handler, v.above("Deliveries", "/deliveries"))
	f.Problem = refusal
	return render(v.Ctx, deliveryPage(f, view))
}

// redrive has a delivery that was set aside tried again.
func (c *Console) redrive(v *visit) error {
	ctx, id := v.UserContext(), core.DeliveryID(param(v.Ctx, "id"))
	d, err := c.History.Delivery(ctx, v.ws.ID, id)
	if err != nil {
		return err
	}
	if _, err := c.History.Redrive(ctx, v.ws.ID, id, v.actor); err != nil {
		return c.showDelivery(v, v.refused(err), d)
	}
	return v.to("/deliveries/"+string(id), "redriven")
}

// over reports whether nothing more is to be done.
func over(s core.DeliveryState) bool { return s == core.DeliveryDone || s == core.DeliverySetAside }

// causeOf says why there is a delivery.
func causeOf(d core.Delivery) string {
	switch {
	case d.Event != "":
		return "event"
	case d.Schedule != "":
		return "schedule " + d.Schedule
	default:
		return "job"
	}
}
