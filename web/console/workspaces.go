package console

import (
	"net/http"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/web/problem"
)

// workspaces lists the visitor's workspaces.
func (c *Console) workspaces(v *visit) error { return c.showWorkspaces(v, v.frame("Workspaces"), "") }

func (c *Console) showWorkspaces(v *visit, f frame, name string) error {
	list, err := c.Workspaces.List(v.UserContext(), v.who.Account.ID)
	if err != nil {
		return err
	}
	view := workspacesView{Plans: c.Plans.List(), Name: name}
	for _, m := range list {
		view.Workspaces = append(view.Workspaces, m.Workspace)
	}
	return render(v.Ctx, workspacesPage(f, view))
}

// createWorkspace makes one and goes there.
func (c *Console) createWorkspace(v *visit) error {
	name := field(v.Ctx, "name")
	ws, err := c.Workspaces.Create(v.UserContext(), v.who.Account.ID, workspace.CreateRequest{Name: name, Plan: field(v.Ctx, "plan")})
	if err != nil {
		problem.Remember(v.Ctx, err)
		f := v.frame("Workspaces")
		f.Problem = asProblem(err)
		v.Status(problem.Status(core.KindOf(err)))
		return c.showWorkspaces(v, f, name)
	}
	return v.Redirect(Prefix+"/w/"+ws.Slug, http.StatusSeeOther)
}

// home shows what a workspace has.
func (c *Console) home(v *visit) error {
	plan, _ := c.Plans.Plan(v.ws.Plan)
	view := homeView{Plan: plan, Plans: c.Plans.List(), Manages: v.actor.Role.Manages()}
	list, err := c.Installations.List(v.UserContext(), v.ws.ID, v.actor)
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
	return render(v.Ctx, homePage(v.frame(v.ws.Name), view))
}

// changePlan begins another contract.
func (c *Console) changePlan(v *visit) error {
	if _, err := c.Billing.ChangePlan(v.UserContext(), v.ws.ID, v.actor, field(v.Ctx, "plan")); err != nil {
		return err
	}
	return v.home("plan")
}

// home redirects to the workspace's first page, to say what was done.
func (v *visit) home(done string) error {
	return v.Redirect(Prefix+"/w/"+v.ws.Slug+"?done="+done, http.StatusSeeOther)
}
