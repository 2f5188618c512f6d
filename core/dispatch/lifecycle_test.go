package dispatch_test

import (
	"context"
	"slices"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// stored is the installation as it is stored.
func (b *bench) stored() core.Installation {
	b.Helper()
	access, err := b.db.Access(b.Context(), b.ws.ID)
	must(b.T, err)
	in, ok := access.Installation("crm")
	if !ok {
		b.Fatal("it is not installed")
	}
	return in
}

func TestAHookAndItsInstallationAreOneUnit(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	step := b.install("hook")
	step.Installation.Revision = 2
	step.Changes = []core.Change{core.PutInstallation{Installation: step.Installation}, core.AppendAudit{Entry: core.AuditEntry{Time: noon, Action: "installation.changed"}}}

	// A hook that fails leaves the installation as it was.
	b.handle("hook", func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		if in.Trigger != abi.TriggerLifecycle || in.Kind != abi.KindMutation {
			t.Errorf("invocation: %+v", in)
		}
		if _, err := insert(ctx, host, "default"); err != nil {
			return nil, err
		}
		return nil, trap{core.OutcomeTrap}
	})
	wantError(t, d.Lifecycle(t.Context(), step), core.Internal)
	if got := b.stored(); got.Revision != 1 || len(b.counters()) != 0 {
		t.Fatalf("a failed hook left %+v and %v", got, b.counters())
	}

	// Scopes a hook grants are part of the installation that is written.
	b.handle("hook", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		if _, err := call[struct{}](ctx, host, abi.OpAccessGrant, abi.AccessGrantRequest{Role: "member", Scopes: []string{"crm.counters.write"}}); err != nil {
			return nil, err
		}
		return insert(ctx, host, "default")
	})
	must(t, d.Lifecycle(t.Context(), step))
	if got := b.stored(); got.Revision != 2 || !slices.Equal(got.RoleScopes[core.RoleMember], []string{"crm.counters.read", "crm.counters.write"}) || len(b.counters()) != 1 {
		t.Fatalf("stored: %+v and %v", got, b.counters())
	}
	if step.Installation.RoleScopes[core.RoleMember][0] != "crm.counters.read" || len(step.Installation.RoleScopes[core.RoleMember]) != 1 {
		t.Fatal("the caller's installation was changed")
	}

	// A step that was decided on an older revision ends after one more run.
	b.handle("hook", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { return "{}", nil })
	runs := b.runs.Load()
	wantError(t, d.Lifecycle(t.Context(), step), core.Changed)
	if ran := b.runs.Load() - runs; ran > 2 {
		t.Errorf("%d runs of a hook whose installation is out of date", ran)
	}

	// The hook of an uninstallation may grant what is about to be gone.
	b.handle("hook", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		return call[struct{}](ctx, host, abi.OpAccessGrant, abi.AccessGrantRequest{Role: "member", Scopes: []string{"crm.counters.write"}})
	})
	step.NeedsPlan = false
	step.Changes = []core.Change{core.RemoveInstallation{ID: b.in.ID, Plugin: b.in.Plugin, EraseTables: true}}
	must(t, d.Lifecycle(t.Context(), step))
	if access, err := b.db.Access(t.Context(), b.ws.ID); err != nil || len(access.Installations) != 0 {
		t.Fatalf("after the uninstallation: %+v, %v", access.Installations, err)
	}
}

func TestAStepThatNeedsThePlan(t *testing.T) {
	b := newBench(t)
	step := b.install("")
	step.Installation.Plugin.Name = "wiki"
	wantError(t, b.dispatcher().Lifecycle(t.Context(), step), core.Denied, "Starter", "wiki", "Professional")
	step.Actor = core.Actor{Type: core.ActorMember, Account: b.account("stranger@example.com"), Role: core.RoleOwner}
	wantError(t, b.dispatcher().Lifecycle(t.Context(), step), core.NotFound)
}

// TestADomainHasOneHolder: whoever asked when nobody held it, and comes second,
// is told who does.
func TestADomainHasOneHolder(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.update(func(in *core.Installation) {
		in.Grants = append(in.Grants, core.Grant{Capability: abi.CapabilityEvents, Domains: []string{"order"}})
	})
	in := core.Installation{
		ID: core.NewInstallationID(), Plugin: core.PluginID{Publisher: "acme", Name: "shop"}, Alias: "shop", Digest: "sha256:shop",
		State: core.InstallationEnabled, Revision: 1, Grants: []core.Grant{{Capability: abi.CapabilityEvents, Domains: []string{"order"}}},
	}
	step := dispatch.Lifecycle{
		Workspace: b.ws, Installation: in, Manifest: shop, Actor: b.owner, NeedsPlan: true,
		Changes: []core.Change{core.PutInstallation{Installation: in}},
	}
	wantError(t, d.Lifecycle(t.Context(), step), core.Exists, "order.*", "acme/crm")
	b.update(func(in *core.Installation) { in.Grants = in.Grants[:1] })
	must(t, d.Lifecycle(t.Context(), step))
}

// What the platform tells of a step is told with it, to those who were there
// before: who comes has its hook, and who goes is gone.
func TestTheEventOfAStepIsDelivered(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.update(func(in *core.Installation) {
		in.Grants = append(in.Grants, core.Grant{Capability: abi.CapabilityEvents, Events: []string{"core.*"}})
	})
	in := core.Installation{
		ID: core.NewInstallationID(), Workspace: b.ws.ID, Plugin: core.PluginID{Publisher: "acme", Name: "shop"}, Alias: "shop", Digest: "sha256:shop",
		State: core.InstallationEnabled, Revision: 1, Grants: []core.Grant{{Capability: abi.CapabilityEvents, Events: []string{"core.*"}}},
	}
	step := dispatch.Lifecycle{Workspace: b.ws, Installation: in, Manifest: shop, Hook: "hook", Actor: b.owner}
	b.handle("hook", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { return "{}", nil })
	for _, changes := range [][]core.Change{
		{core.PutInstallation{Installation: in}, core.Happened(b.ws.ID, noon, core.PluginInstalled{Installation: in.ID})},
		{core.RemoveInstallation{ID: in.ID, Plugin: in.Plugin}, core.Happened(b.ws.ID, noon, core.PluginRemoved{Installation: in.ID})},
	} {
		step.Changes = changes
		must(t, d.Lifecycle(t.Context(), step))
		deliveries := b.due()
		if len(deliveries) != 1 || deliveries[0].Install != b.in.ID || b.woken.Load() == 0 {
			t.Fatalf("delivered: %+v, woken %d times", deliveries, b.woken.Load())
		}
		b.woken.Store(0)
	}
	b.handle("hook", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) {
		return nil, trap{core.OutcomeTrap}
	})
	step.Changes = []core.Change{core.PutInstallation{Installation: in}, core.Happened(b.ws.ID, noon, core.PluginInstalled{Installation: in.ID})}
	if err := d.Lifecycle(t.Context(), step); err == nil || len(b.due()) != 0 || b.woken.Load() != 0 {
		t.Errorf("a failed step is told of: %v", err)
	}
}

// A handler may grant scopes at any time; the installation is then updated with
// what the handler wrote, and audited.
func TestAHandlerGrantsScopes(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		return call[struct{}](ctx, host, abi.OpAccessGrant, abi.AccessGrantRequest{Role: "member", Scopes: []string{"crm.counters.write"}})
	})
	member := b.member(core.RoleMember)
	_, err := b.ask(d, member, "POST", "/write")
	wantError(t, err, core.Denied)
	for range 2 { // the second time there is nothing to change
		_, err = b.ask(d, b.owner, "POST", "/run")
		must(t, err)
	}
	_, err = b.ask(d, member, "POST", "/write")
	must(t, err)
	if got := b.stored(); got.Revision != 2 {
		t.Errorf("revision %d, want 2", got.Revision)
	}
	audit, _, err := b.db.Audit(t.Context(), b.ws.ID, 0, 10)
	if err != nil || !slices.ContainsFunc(audit, func(e core.AuditEntry) bool {
		return e.Action == "installation.scopes.granted" && e.Actor == string(b.in.ID)
	}) {
		t.Errorf("audit: %v, %v", audit, err)
	}
}

// Who was an admin when the request came, and is none when it is decided, takes
// no step: the role is asked again with every run.
func TestAttack53_AStepNeedsTheRoleWhenItIsDecided(t *testing.T) {
	b := newBench(t)
	step := b.install("")
	step.Installation.Revision = 2
	step.Changes = []core.Change{core.PutInstallation{Installation: step.Installation}}
	step.Actor = b.member(core.RoleMember)
	step.Actor.Role = core.RoleAdmin // as it was when the request came
	wantError(t, b.dispatcher().Lifecycle(t.Context(), step), core.Denied, "member")
	if got := b.stored(); got.Revision != 1 {
		t.Errorf("stored: %+v", got)
	}
}
