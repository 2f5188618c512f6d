package console

import (
	"fmt"

	"github.com/carrel-dev/carrel/core"
)

// home shows what a workspace has.
func (c *Console) home(v *visit) error {
	ctx := v.UserContext()
	plan, _ := c.Plans.Plan(v.ws.Plan)
	view := homeView{Plan: plan, Manages: v.actor.Role.Manages()}
	list, err := c.Installations.List(ctx, v.ws.ID, v.actor)
	if err != nil {
		return err
	}
	for _, in := range list {
		one := installed{
			Alias: in.Alias, Title: in.Title, Version: in.Version, Summary: in.Summary,
			Enabled: in.State == core.InstallationEnabled, InPlan: in.Included,
		}
		for _, group := range v.nav {
			if one.URL == "" && group.Title == in.Title {
				one.URL = group.Links[0].URL
			}
		}
		view.Installations = append(view.Installations, one)
	}
	if view.Manages {
		aside, err := c.History.Deliveries(ctx, v.ws.ID, core.DeliverySetAside, "", maxNoticed)
		if err != nil {
			return err
		}
		view.SetAside = len(aside)
	}
	return render(v.Ctx, homePage(v.frame(v.ws.Name), view))
}

// maxNoticed is how many deliveries the home page counts.
const maxNoticed = 100

func setAsideWords(n int) string {
	switch {
	case n == 1:
		return "1 delivery was set aside."
	case n < maxNoticed:
		return fmt.Sprintf("%d deliveries were set aside.", n)
	default:
		return fmt.Sprintf("%d deliveries or more were set aside.", n)
	}
}
