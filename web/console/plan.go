package console

import (
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/billing"
)

// plan shows what a workspace pays for and has used of it.
func (c *Console) plan(v *visit) error { return c.showPlan(v, v.frame("Plan and usage")) }

func (c *Console) showPlan(v *visit, f frame) error {
	ctx := v.UserContext()
	plan, contracts, err := c.Billing.Current(ctx, v.ws.ID, v.actor)
	if err != nil {
		return err
	}
	usage, err := c.Billing.Usage(ctx, v.ws.ID, v.actor)
	if err != nil {
		return err
	}
	installed, err := c.Installations.List(ctx, v.ws.ID, v.actor)
	if err != nil {
		return err
	}
	view := planView{Plan: plan, Offers: c.Plans.List(), Losing: map[string][]string{}}
	meters := map[string]string{"core.members": "Members", core.MeterBlobs: "Bytes of files that plugins keep"}
	for _, in := range installed {
		_, m, err := c.Installations.Get(ctx, v.ws.ID, v.actor, string(in.ID))
		if err != nil {
			return err
		}
		for _, meter := range m.Meters {
			meters[m.Name+"."+meter.Name] = meter.Doc
		}
	}
	view.Usage = usageLines(usage, meters)
	if len(contracts) > 0 {
		view.Since = contracts[0].Began
	}
	for _, offer := range view.Offers {
		for _, in := range installed {
			if in.Included && !offer.Allows(in.Plugin.Name) {
				view.Losing[offer.ID] = append(view.Losing[offer.ID], in.Title)
			}
		}
	}
	return render(v.Ctx, planPage(f, view))
}

// usageLine is what was used of a meter.
type usageLine struct {
	billing.Usage
	Title string
}

// usageLines names meters by what their plugins say of them, else by themselves.
func usageLines(usage []billing.Usage, titles map[string]string) []usageLine {
	lines := make([]usageLine, len(usage))
	for i, u := range usage {
		lines[i] = usageLine{u, u.Meter}
		if title := titles[u.Meter]; title != "" {
			lines[i].Title = title
		}
	}
	return lines
}

// changePlan begins another contract.
func (c *Console) changePlan(v *visit) error {
	if _, err := c.Billing.ChangePlan(v.UserContext(), v.ws.ID, v.actor, field(v.Ctx, "plan")); err != nil {
		f := v.frame("Plan and usage")
		f.Problem = v.refused(err)
		return c.showPlan(v, f)
	}
	return v.to("/plan", "plan")
}

// price writes what a plan costs.
func price(m core.Money) string {
	if m.Amount == 0 {
		return "Free"
	}
	return money(m) + " a month"
}

// and joins names for a sentence: a, b and c.
func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
