package workspace

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// What happens to a plugin's data when it is uninstalled.
const (
	DataKeep  = "keep"  // an installation of the same plugin finds it again
	DataErase = "erase" // documents, entries, events, receipts, sums and blobs are removed
)

// UninstallRequest says how to uninstall.
type UninstallRequest struct {
	Data     string // keep or erase
	Revision int64  // what the caller saw; another one is Stale. 0: whatever it is
	SkipHook bool   // don't run the plugin's uninstall hook: for one that fails
}

// UninstallReceipt says what is gone and what is left.
type UninstallReceipt struct {
	Plugin core.PluginID
	Data   string
	Erased core.Footprint
	Left   core.Footprint
}

// Uninstall removes an installation, its deliveries, and with DataErase
// everything the plugin wrote; the logs of its invocations and of who installed
// it stay the workspace's. The plugin's uninstall hook, the removal, the
// audit line and the event are one unit.
func (s *Installations) Uninstall(ctx context.Context, ws core.WorkspaceID, actor core.Actor, ref string, r UninstallRequest) (UninstallReceipt, error) {
	const op = "workspace.Uninstall"
	a, err := read(ctx, s.store, ws, actor, ScopeInstalled)
	if err != nil {
		return UninstallReceipt{}, err
	}
	if r.Data != DataKeep && r.Data != DataErase {
		var wrong core.Violations
		wrong.Add("data", "must be keep or erase, to say what happens to the plugin's data")
		return UninstallReceipt{}, wrong.Err(op, "The plugin can't be uninstalled like this.")
	}
	in, manifest, err := s.find(ctx, a, ref)
	if err != nil {
		return UninstallReceipt{}, err
	}
	if r.Revision != 0 && r.Revision != in.Revision {
		return UninstallReceipt{}, errRevision
	}
	before, err := s.store.Footprint(ctx, ws, in.Plugin)
	if err != nil {
		return UninstallReceipt{}, core.Wrap(op, core.Unavailable, err)
	}
	var blobs []core.Blob // one that is put from here on is found later, by who looks for objects nobody refers to
	if r.Data == DataErase {
		if blobs, err = s.store.Blobs(ctx, ws, in.Plugin); err != nil {
			return UninstallReceipt{}, core.Wrap(op, core.Unavailable, err)
		}
	}
	hook := manifest.Lifecycle.Uninstall
	if r.SkipHook {
		hook = ""
	}
	err = s.hooks.Lifecycle(ctx, Lifecycle{
		Workspace: a.Workspace, Installation: in, Manifest: manifest, Hook: hook, Actor: actor,
		Changes: []core.Change{
			core.RemoveInstallation{ID: in.ID, Plugin: in.Plugin, EraseTables: r.Data == DataErase},
			auditLine(s.now(), actor, "installation.removed", in.Plugin.String()+" "+r.Data),
			core.Happened(ws, s.now(), core.PluginRemoved{
				Installation: in.ID, Plugin: in.Plugin.String(), Alias: in.Alias, Data: r.Data, By: idOf(actor),
			}),
		},
	})
	if err != nil {
		return UninstallReceipt{}, core.Wrap(op, core.Unavailable, err)
	}
	s.objects.Forget(ctx, ws, blobs)
	left, err := s.store.Footprint(ctx, ws, in.Plugin)
	if err != nil {
		return UninstallReceipt{}, core.Wrap(op, core.Unavailable, err)
	}
	return UninstallReceipt{Plugin: in.Plugin, Data: r.Data, Erased: before.Minus(left), Left: left}, nil
}
