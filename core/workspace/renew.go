package workspace

import (
	"context"
	"fmt"

	"github.com/carrel-dev/carrel/core"
)

// Renewal is what became of the secrets of all workspaces.
type Renewal struct {
	Sealed int     // installations whose secrets were in the clear, or sealed with an earlier key
	Left   []error // why others are as they were: those go on being in the clear, or need the earlier key
}

// Renew seals the secrets of all installations that were stored before there
// was a key, or with an earlier one. It is for the start of a server, before
// anything else changes an installation.
func (s *Installations) Renew(ctx context.Context) (r Renewal, err error) {
	const op = "workspace.Renew"
	workspaces, err := s.store.Configured(ctx)
	if err != nil {
		return r, core.Wrap(op, core.Unavailable, err)
	}
	for _, ws := range workspaces {
		a, err := s.store.Access(ctx, ws)
		if err != nil {
			return r, core.Wrap(op, core.Unavailable, err)
		}
		var changes []core.Change
		for _, in := range a.Installations {
			if string(in.Settings) == "{}" {
				continue
			}
			settings, err := s.renewed(ctx, in)
			if core.KindOf(err) == core.Timeout || ctx.Err() != nil {
				return r, core.Wrap(op, core.Unavailable, err)
			}
			if err != nil {
				r.Left = append(r.Left, fmt.Errorf("%s in the workspace %s: %w", in.Alias, a.Workspace.Slug, err))
			}
			if settings != nil {
				in.Settings, in.Revision, in.Updated = settings, in.Revision+1, s.now()
				changes = append(changes, core.PutInstallation{Installation: in})
			}
		}
		if len(changes) == 0 {
			continue
		}
		err = s.store.Change(ctx, ws, func(core.Access) ([]core.Change, error) { return changes, nil })
		if err != nil {
			return r, core.Wrap(op, core.Unavailable, err)
		}
		r.Sealed += len(changes)
	}
	return r, nil
}

// renewed returns what an installation's settings become; nil if they stay. Both
// may be: what was sealed is sealed anew even if the rest can't be told apart.
func (s *Installations) renewed(ctx context.Context, in core.Installation) ([]byte, error) {
	release, err := s.catalog.ByDigest(ctx, in.Digest)
	if err != nil && core.KindOf(err) != core.NotFound {
		return nil, core.Wrap("workspace.Renew", core.Unavailable, err)
	}
	settings, rerr := s.vault.renew(in, release.Manifest.Settings)
	if err != nil && rerr == nil {
		rerr = core.E("workspace.Renew", core.NotFound,
			"Its release %s is not on this server, so nobody can tell which of its "+
				"settings are secret. Publish it again, and restart.", in.Version)
	}
	return settings, rerr
}
