package hostfuncs

import (
	"context"
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var accessOperations = []Operation{
	{abi.OpAccessGrant, "access.grant", abi.CapabilityAccess, mutations, "Give members some of the plugin's scopes.", with(accessGrant)},
	{abi.OpAccessCheck, "access.check", "", anyKind, "Ask whether the actor has a scope.", with(accessCheck)},
}

// accessGrant maps the plugin's own scopes to a role. It cannot touch another
// plugin's scopes, nor what the workspace granted this one.
func accessGrant(_ context.Context, h *Host, r abi.AccessGrantRequest) (nothing, error) {
	const op = "access.grant"
	if core.Role(r.Role) != core.RoleMember {
		return nothing{}, place(op, "role", `must be "member": owners and admins have every scope already`)
	}
	for _, scope := range r.Scopes {
		if err := h.declared(op, scope); err != nil {
			return nothing{}, err
		}
	}
	h.b.Grant(core.RoleMember, r.Scopes)
	return nothing{}, nil
}

func accessCheck(_ context.Context, h *Host, r abi.AccessCheckRequest) (abi.AccessCheckResponse, error) {
	if err := h.declared("access.check", r.Scope); err != nil {
		return abi.AccessCheckResponse{}, err
	}
	return abi.AccessCheckResponse{Allowed: h.b.Installation.Has(h.b.Actor, r.Scope)}, nil
}

func (h *Host) declared(op, scope string) error {
	if slices.ContainsFunc(h.b.Manifest.Permissions, func(p abi.Permission) bool { return p.Name == scope }) {
		return nil
	}
	return core.E(op, core.Invalid, `The manifest declares no permission %q. Add it: permissions: [{"name": %q}].`, scope, scope)
}
