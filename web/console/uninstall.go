package console

import (
	"github.com/carrel-dev/carrel/core/workspace"
)

// confirmUninstall asks what shall become of the data.
func (c *Console) confirmUninstall(v *visit) error {
	in, _, err := c.Installations.Get(v.UserContext(), v.ws.ID, v.actor, param(v.Ctx, "plugin"))
	if err != nil {
		return err
	}
	return render(v.Ctx, uninstallPage(v.frame("Uninstall "+in.Title, v.above(in.Title, "/installations/"+in.Alias)), uninstallView{Alias: in.Alias, Title: in.Title}))
}

// uninstall removes an installation and shows the receipt.
func (c *Console) uninstall(v *visit) error {
	ref := param(v.Ctx, "plugin")
	in, _, err := c.Installations.Get(v.UserContext(), v.ws.ID, v.actor, ref)
	if err != nil {
		return err
	}
	receipt, err := c.Installations.Uninstall(v.UserContext(), v.ws.ID, v.actor, ref,
		workspace.UninstallRequest{Data: field(v.Ctx, "data")})
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
		{"Files", erased.Blobs, left.Blobs},
	}}))
}
