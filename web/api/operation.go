package api

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/web/session"
)

// need is what a request must show for an operation before anything else of it
// is looked at: one of the words below, or a scope of the platform, which a
// token that names scopes must have. What a member's role allows is decided by
// the services.
type need string

const (
	anyone   need = "anyone"   // no account
	known    need = "known"    // an account, by whatever means
	owner    need = "owner"    // an account without the limits a token can have
	operator need = "operator" // the same, of an operator
)

const (
	readWorkspace  need = "core.workspace.read"
	writeWorkspace need = "core.workspace.write"
	readMembers    need = "core.members.read"
	writeMembers   need = "core.members.write"
	readInstalled  need = "core.installations.read"
	writeInstalled need = "core.installations.write"
	readAudit      need = "core.audit.read"
	readPlan       need = "core.plan.read"
	writePlan      need = "core.plan.write"
	readEvents     need = "core.events.read"
	writeEvents    need = "core.events.write"

	readInvocations need = "core.invocations.read"
)

// describe begins an operation from "GET /workspaces/{ws}".
func describe(methodPath, id, summary string) huma.Operation {
	method, path, _ := strings.Cut(methodPath, " ")
	tag, _, _ := strings.Cut(strings.Trim(path, "/"), "/")
	if rest, ok := strings.CutPrefix(path, "/workspaces/{ws}/"); ok {
		tag, _, _ = strings.Cut(rest, "/")
	}
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{tag},
		MaxBodyBytes: -1, // the server has read and measured it
	}
}

// register adds an operation.
func register[I, O any](a *API, what need, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	switch what {
	case anyone:
		op.Security = []map[string][]string{}
	case known, owner:
	case operator:
		op.Description = strings.TrimSpace(op.Description + "\n\nFor operators of the server.")
	default:
		op.Description = strings.TrimSpace(op.Description + "\n\nA token limited to scopes needs `" + string(what) + "`.")
	}
	op.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		err := what.met(ctx.Context())
		if err == nil {
			err = a.refuseNulls(ctx)
		}
		if err != nil {
			refuse(ctx, err)
			return
		}
		next(ctx)
	}}
	huma.Register(a.huma, op, handle)
}

// met says what is missing.
func (n need) met(ctx context.Context) error {
	const op = "api.need"
	if n == anyone {
		return nil
	}
	who, err := session.Require(ctx)
	switch {
	case err != nil || n == known:
		return err
	case n == owner || n == operator:
		if who.Token.Narrowed() {
			return core.E(op, core.Denied,
				"This token is limited to a workspace or to scopes; this concerns the "+
					"account as a whole. Sign in, or use an unlimited token.")
		}
		if n == operator && !who.Account.Operator {
			return core.E(op, core.Denied, "Only operators of this server may do this.")
		}
		return nil
	case !who.Allows(string(n)):
		return core.E(op, core.Denied, "The API token lacks the scope %s. Make one that has it.", n)
	}
	return nil
}
