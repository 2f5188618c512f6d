package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// ConfigureRequest says what to change of an installation.
type ConfigureRequest struct {
	State    core.InstallationState // empty: as it is
	Settings json.RawMessage        // merged into the stored ones (RFC 7396): what is left out stays, null removes
	Revision int64                  // what the caller saw; another one is Stale. 0: whatever it is
}

// Configure enables or disables an installation, or changes its settings.
func (s *Installations) Configure(ctx context.Context, ws core.WorkspaceID, actor core.Actor, ref string, r ConfigureRequest) (Installed, error) {
	const op = "workspace.Configure"
	a, err := read(ctx, s.store, ws, actor, ScopeInstalled)
	if err != nil {
		return Installed{}, err
	}
	in, manifest, err := s.find(ctx, a, ref)
	if err != nil {
		return Installed{}, err
	}
	if r.Revision != 0 && r.Revision != in.Revision {
		return Installed{}, errRevision
	}
	action := "installation.configured"
	switch r.State {
	case "", in.State:
	case core.InstallationEnabled:
		if err := s.planAllows(op, a.Workspace, in.Plugin.Name); err != nil {
			return Installed{}, err
		}
		in.State, action = r.State, "installation.enabled"
	case core.InstallationDisabled:
		in.State, action = r.State, "installation.disabled"
	default:
		var wrong core.Violations
		wrong.Add("state", "%q is not a state; choose enabled or disabled", r.State)
		return Installed{}, wrong.Err(op, "There is no such state.")
	}
	if len(r.Settings) > 0 {
		if in.Settings, err = s.reconfigured(in, manifest, r.Settings); err != nil {
			return Installed{}, core.Wrap(op, core.Internal, err)
		}
	}
	in.Revision, in.Updated = in.Revision+1, s.now()
	err = change(ctx, s.store, ws, actor, ScopeInstalled, func(core.Access) ([]core.Change, error) {
		return []core.Change{
			core.PutInstallation{Installation: in}, auditLine(in.Updated, actor, action, in.Plugin.String()),
			core.Happened(ws, in.Updated, core.PluginChanged{
				Installation: in.ID, Plugin: in.Plugin.String(), Alias: in.Alias, State: in.State, By: idOf(actor),
			}),
		}, nil
	})
	if core.KindOf(err) == core.Changed {
		return Installed{}, errRevision
	}
	if err != nil {
		return Installed{}, err
	}
	return s.public(a.Workspace, in, manifest)
}

// reconfigured applies a patch to the settings of an installation. Secrets that
// the patch replaces need not be opened: one that can't be is set anew like that.
func (s *Installations) reconfigured(in core.Installation, m *abi.Manifest, patch json.RawMessage) (json.RawMessage, error) {
	if m.Name == "" {
		return nil, core.E("workspace.Configure", core.Unavailable, "The release of this installation is missing from this server, so its settings can't be checked. The operator must publish it again.")
	}
	if err := core.CheckUnsealed(patch); err != nil {
		return nil, err
	}
	merged, err := mergeSettings(in.Settings, patch)
	if err != nil {
		return nil, err
	}
	if err := passwordStays(m, in.Settings, merged); err != nil {
		return nil, err
	}
	opened, paths, err := s.vault.open(in, merged)
	if err != nil {
		return nil, err
	}
	checked, err := s.schemas.Check(m.Settings, opened)
	if err != nil {
		return nil, err
	}
	return s.vault.seal(in, m.Settings, checked, paths)
}

// passwordStays refuses to take the password of a mail server along to another
// one: who may change settings would read it by having it sent to them.
func passwordStays(m *abi.Manifest, before, after json.RawMessage) error {
	sends := slices.ContainsFunc(m.Capabilities, func(c abi.CapabilityRequest) bool { return c.Name == abi.CapabilityMail })
	kept, _ := core.SealedSetting(after, core.MailSetting, "password") // what was typed now is not sealed yet
	_, was := core.SealedSetting(before, core.MailSetting, "host")
	_, is := core.SealedSetting(after, core.MailSetting, "host")
	if !sends || kept == "" || sameText(was, is) {
		return nil
	}
	var wrong core.Violations
	wrong.Add("settings."+core.MailSetting+".password", "has to be typed again, as it would go to another server")
	return wrong.Err("workspace.Configure", "The settings can't be changed like this.")
}

func sameText(a, b json.RawMessage) bool {
	var x, y string
	_, _ = json.Unmarshal(a, &x), json.Unmarshal(b, &y) // what is no text is no server
	return strings.EqualFold(x, y)
}

var errRevision = core.E("workspace.Configure", core.Stale, "The installation has been changed since you read it. Read it again and repeat your change.")

// mergeSettings applies a JSON merge patch to an object. Secrets, which nobody
// can read, are kept by leaving them out, and replaced as a whole.
func mergeSettings(stored, patch json.RawMessage) (json.RawMessage, error) {
	const op = "workspace.Configure"
	var base, change any
	if err := decode(stored, &base); err != nil {
		return nil, core.Wrap(op, core.Internal, err)
	}
	if err := decode(patch, &change); err != nil {
		return nil, core.E(op, core.Invalid, "The settings are not JSON.")
	}
	if _, ok := change.(map[string]any); !ok {
		var wrong core.Violations
		wrong.Add("settings", "must be an object")
		return nil, wrong.Err(op, "The settings can't be changed like this.")
	}
	merged, err := json.Marshal(merge(base, change))
	return merged, core.Wrap(op, core.Internal, err)
}

func merge(base, change any) any {
	patch, ok := change.(map[string]any)
	if !ok {
		return change
	}
	object, ok := base.(map[string]any)
	if !ok || core.IsSealed(object) {
		object = map[string]any{}
	}
	for name, value := range patch {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = merge(object[name], value)
		}
	}
	return object
}

func decode(data json.RawMessage, into *any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(into)
}
