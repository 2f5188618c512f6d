package console

import (
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/workspace"
)

// switchState enables or disables an installation.
func (c *Console) switchState(v *visit) error {
	state, done := core.InstallationEnabled, "enabled"
	if field(v.Ctx, "do") == "disable" {
		state, done = core.InstallationDisabled, "disabled"
	}
	_, err := c.Installations.Configure(v.UserContext(), v.ws.ID, v.actor, param(v.Ctx, "plugin"), workspace.ConfigureRequest{State: state})
	if err != nil {
		return err
	}
	return v.to("", done)
}

// confirmUninstall asks what shall become of the data.
func (c *Console) confirmUninstall(v *visit) error {
	in, _, err := c.Installations.Get(v.UserContext(), v.ws.ID, v.actor, param(v.Ctx, "plugin"))
	if err != nil {
		return err
	}
	return render(v.Ctx, uninstallPage(v.frame("Uninstall "+in.Title), uninstallView{Alias: in.Alias, Title: in.Title}))
}

// uninstall removes an installation and shows the receipt.
func (c *Console) uninstall(v *visit) error {
	ref := param(v.Ctx, "plugin")
	in, _, err := c.Installations.Get(v.UserContext(), v.ws.ID, v.actor, ref)
	if err != nil {
		return err
	}
	receipt, err := c.Installations.Uninstall(v.UserContext(), v.ws.ID, v.actor, ref, workspace.UninstallRequest{Data: field(v.Ctx, "data")})
	if err != nil {
		return err
	}
	if v.nav, err = c.navigation(v); err != nil {
		return err
	}
	erased, left := receipt.Erased, receipt.Left
	return render(v.Ctx, receiptPage(v.frame("Uninstalled"), receiptView{Title: in.Title, Lines: []receiptLine{
		{"Documents", erased.Documents, left.Documents},
		{"Index entries", erased.Entries, left.Entries},
		{"Events", erased.Events, left.Events},
		{"Scheduled work", erased.Deliveries, left.Deliveries},
		{"Remembered answers", erased.Receipts, left.Receipts},
		{"Meters", erased.Meters, left.Meters},
	}}))
}
