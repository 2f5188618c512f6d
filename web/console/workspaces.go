package console

import (
	"net/http"

	"github.com/carrel-dev/carrel/core/workspace"
)

// workspaces lists the visitor's workspaces.
func (c *Console) workspaces(v *visit) error {
	return c.showWorkspaces(v, v.frame("Your workspaces"), "")
}

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
	ws, err := c.Workspaces.Create(v.UserContext(), v.who.Account.ID,
		workspace.CreateRequest{Name: name, Plan: field(v.Ctx, "plan")})
	if err != nil {
		f := v.frame("Your workspaces")
		f.Problem = v.refused(err, "name")
		return c.showWorkspaces(v, f, name)
	}
	return v.Redirect(Prefix+"/w/"+ws.Slug, http.StatusSeeOther)
}
