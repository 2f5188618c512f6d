package core

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// InstallationState is where an installation is in its life.
//
//	(install) -> enabled <-> disabled -> (uninstall)
//
// Installing and uninstalling are one unit of work each, so there is no state
// in between to be stuck in.
type InstallationState string

const (
	InstallationEnabled  InstallationState = "enabled"
	InstallationDisabled InstallationState = "disabled"
)

// Installation is a release enabled in a workspace, with its grants and settings.
type Installation struct {
	ID         InstallationID
	Workspace  WorkspaceID
	Plugin     PluginID
	Alias      string // in URLs; the plugin's name unless the workspace chose another
	Version    string
	Digest     Digest
	State      InstallationState
	Grants     []Grant
	Settings   json.RawMessage   // an object, its secrets sealed; people and plugins see PublicSettings of it
	RoleScopes map[Role][]string // scopes of the plugin each role has; owner and admin have all
	Revision   int64             // counts changes, for ETag
	Created    time.Time
	Updated    time.Time
}

// Grant is a capability the workspace approved, and how far it reaches.
type Grant struct {
	Capability abi.Capability `json:"capability"`
	Hosts      []string       `json:"hosts,omitempty"`   // of http
	Events     []string       `json:"events,omitempty"`  // of events: the patterns of those the installation receives
	Domains    []string       `json:"domains,omitempty"` // of events: the neutral domains it holds
}

// Granted reports whether the workspace granted the capability.
func (i *Installation) Granted(c abi.Capability) bool {
	return slices.ContainsFunc(i.Grants, func(g Grant) bool { return g.Capability == c })
}

// Has reports whether an actor has a scope of this installation: by role, and
// within the token's scopes if it names any.
func (i *Installation) Has(a Actor, scope string) bool {
	switch a.Type {
	case ActorInstallation:
		return a.Install == i.ID
	case ActorMember, ActorToken:
		if !a.Role.Manages() && !slices.Contains(i.RoleScopes[a.Role], scope) {
			return false
		}
		return a.Scopes == nil || slices.ContainsFunc(a.Scopes, func(s string) bool { return ScopeCovers(s, scope) })
	default:
		return false
	}
}

// ScopeCovers reports whether a held scope covers the wanted one: the same, or
// a prefix ending in ".*" (`crm.*` covers `crm.contacts.write`), or "*".
func ScopeCovers(held, wanted string) bool {
	if held == "*" || held == wanted {
		return true
	}
	prefix, ok := strings.CutSuffix(held, "*")
	return ok && strings.HasSuffix(prefix, ".") && strings.HasPrefix(wanted, prefix)
}
