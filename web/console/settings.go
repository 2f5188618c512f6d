package console

import (
	"net/http"

	"github.com/carrel-dev/carrel/core/workspace"
)

// settings shows what can be changed of a workspace itself.
func (c *Console) settings(v *visit) error {
	return render(v.Ctx, settingsPage(v.frame("Settings"), settingsView{Name: v.ws.Name, Slug: v.ws.Slug, TimeZone: v.ws.TimeZone}))
}

// changeSettings changes it.
func (c *Console) changeSettings(v *visit) error {
	view := settingsView{Name: field(v.Ctx, "name"), Slug: field(v.Ctx, "slug"), TimeZone: field(v.Ctx, "timeZone")}
	ws, err := c.Workspaces.Update(v.UserContext(), v.ws.ID, v.actor, workspace.UpdateRequest{
		Name: &view.Name, Slug: &view.Slug, TimeZone: &view.TimeZone,
	})
	if err != nil {
		f := v.frame("Settings")
		f.Problem = v.refused(err, "name", "slug", "timeZone")
		return render(v.Ctx, settingsPage(f, view))
	}
	return v.Redirect(Prefix+"/w/"+ws.Slug+"/settings?done=saved", http.StatusSeeOther)
}
