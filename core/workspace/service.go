package workspace

import (
	"cmp"
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core"
)

// Store is where the service keeps workspaces. Lookups answer NotFound.
type Store interface {
	// CreateWorkspace adds a workspace with its owner, its first contract and a
	// line of audit, or answers Exists when the slug is taken.
	CreateWorkspace(ctx context.Context, w core.Workspace, owner core.AccountID, c core.Contract, entry core.AuditEntry) error
	// Memberships returns the workspaces an account is a member of, by name, and
	// what it is there.
	Memberships(ctx context.Context, account core.AccountID) ([]core.Workspace, []core.Member, error)
	// Membership returns the workspace with this slug or id, if the account is a
	// member of it.
	Membership(ctx context.Context, ref string, account core.AccountID) (core.Workspace, core.Member, error)
	// Workspace returns the workspace with this slug or id.
	Workspace(ctx context.Context, ref string) (core.Workspace, error)
	// Access reads what authorises in a workspace, in one snapshot.
	Access(ctx context.Context, ws core.WorkspaceID) (core.Access, error)
	// Change reads the same and writes what decide answers, in one transaction
	// that no other change of the workspace overlaps. decide must not wait.
	Change(ctx context.Context, ws core.WorkspaceID, decide func(core.Access) ([]core.Change, error)) error
	// DeleteWorkspace removes every row of a workspace.
	DeleteWorkspace(ctx context.Context, ws core.WorkspaceID) error
	// Audit returns the lines below the position before (0: the newest), newest
	// first, and the position to go on from (0: that was all).
	Audit(ctx context.Context, ws core.WorkspaceID, before int64, limit int) ([]core.AuditEntry, int64, error)
	// AccountByEmail finds the person to add as a member.
	AccountByEmail(ctx context.Context, email string) (core.Account, error)
}

// Objects holds the bytes of blobs, of which a Store only has the rows. Whoever is
// told to forget some does it now, and says in the log what can't be forgotten: the
// rows are gone by then.
type Objects interface {
	Forget(ctx context.Context, ws core.WorkspaceID, blobs []core.Blob)
	ForgetWorkspace(ctx context.Context, ws core.WorkspaceID)
}

// noObjects is of a server that keeps none.
type noObjects struct{}

func (noObjects) Forget(context.Context, core.WorkspaceID, []core.Blob) {}
func (noObjects) ForgetWorkspace(context.Context, core.WorkspaceID)     {}

// Plans are what a workspace can have; the first is what a new one gets.
type Plans interface {
	List() []core.Plan
	Plan(id string) (core.Plan, bool)
}

// Config is what a Service is made of.
type Config struct {
	Store Store
	Plans Plans
	Home  string           // the cell new workspaces live in
	Now   func() time.Time // nil: time.Now

	Objects Objects // nil: there are no blobs
}

// Service manages workspaces and their members. Its methods may be called
// concurrently.
type Service struct {
	store Store
	plans Plans
	home  string
	now   func() time.Time

	objects Objects
}

// New makes a service.
func New(cfg Config) *Service {
	return &Service{store: cfg.Store, plans: cfg.Plans, home: cfg.Home, now: clock(cfg.Now), objects: cmp.Or[Objects](cfg.Objects, noObjects{})}
}

// clock gives a clock the resolution of stored times, so that what is answered
// is what will be read.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		now = time.Now
	}
	return func() time.Time { return now().UTC().Truncate(time.Microsecond) }
}

// CreateRequest is what a person says about a workspace they want.
type CreateRequest struct {
	Name     string
	Slug     string // empty: made from the name
	TimeZone string // IANA name; empty: UTC
	Locale   string // BCP 47; empty: en
	Plan     string // empty: the first one
}

// Membership is a workspace and what the person is in it.
type Membership struct {
	Workspace core.Workspace
	Role      core.Role
}

// Create makes a workspace that the account owns. Exists: the slug is taken.
func (s *Service) Create(ctx context.Context, owner core.AccountID, r CreateRequest) (core.Workspace, error) {
	const op = "workspace.Create"
	w := core.Workspace{
		ID: core.NewWorkspaceID(), Name: strings.TrimSpace(r.Name), Slug: r.Slug,
		TimeZone: orElse(r.TimeZone, "UTC"), Locale: orElse(r.Locale, "en"), Home: s.home, Created: s.now(),
	}
	plan, ok := s.plans.Plan(r.Plan)
	if r.Plan == "" {
		plan, ok = s.plans.List()[0], true
	}
	w.Plan = plan.ID
	generated := w.Slug == ""
	if generated {
		w.Slug = slugOf(w.Name)
	}
	wrong := check(w)
	if !ok {
		wrong.Add("plan", "%q is not a plan; choose one of %s", r.Plan, titles(s.plans.List()))
	}
	if err := wrong.Err(op, "The workspace can't be made like this."); err != nil {
		return core.Workspace{}, err
	}
	contract := core.Contract{ID: core.NewContractID(), Workspace: w.ID, Plan: plan.ID, Began: w.Created}
	entry := core.AuditEntry{Time: w.Created, Actor: string(owner), Action: "workspace.created", Subject: string(w.ID)}
	err := s.store.CreateWorkspace(ctx, w, owner, contract, entry)
	if core.KindOf(err) == core.Exists && generated {
		// The id's last digits are random: nobody else has them.
		w.Slug = strings.TrimRight(w.Slug[:min(len(w.Slug), 31)], "-") + "-" + string(w.ID[len(w.ID)-6:])
		err = s.store.CreateWorkspace(ctx, w, owner, contract, entry)
	}
	return w, slugTaken(op, w.Slug, err)
}

func slugTaken(op, slug string, err error) error {
	if core.KindOf(err) == core.Exists {
		return core.E(op, core.Exists, "The address %q belongs to another workspace. Choose another slug.", slug)
	}
	return core.Wrap(op, core.Unavailable, err)
}

// List returns the workspaces of an account.
func (s *Service) List(ctx context.Context, account core.AccountID) ([]Membership, error) {
	workspaces, members, err := s.store.Memberships(ctx, account)
	if err != nil {
		return nil, core.Wrap("workspace.List", core.Unavailable, err)
	}
	list := make([]Membership, len(workspaces))
	for i := range workspaces {
		list[i] = Membership{workspaces[i], members[i].Role}
	}
	return list, nil
}

// errNoWorkspace is what somebody is told who may not know whether it exists.
var errNoWorkspace = core.E("workspace.Resolve", core.NotFound, "There is no such workspace, or you are not a member of it.")

// Resolve finds a workspace by slug or id, and what the account is in it. A
// workspace the account is no member of is the same NotFound as a missing one.
func (s *Service) Resolve(ctx context.Context, account core.AccountID, ref string) (core.Workspace, core.Member, error) {
	w, m, err := s.store.Membership(ctx, ref, account)
	if core.KindOf(err) == core.NotFound {
		return core.Workspace{}, core.Member{}, errNoWorkspace
	}
	return w, m, core.Wrap("workspace.Resolve", core.Unavailable, err)
}

// Lookup finds a workspace by slug or id for somebody who may be a stranger to
// it: for public routes, where the plugin decides what they see.
func (s *Service) Lookup(ctx context.Context, ref string) (core.Workspace, error) {
	w, err := s.store.Workspace(ctx, ref)
	if core.KindOf(err) == core.NotFound {
		return core.Workspace{}, errNoWorkspace
	}
	return w, core.Wrap("workspace.Lookup", core.Unavailable, err)
}

// ActorFor is what a member acts as, through a token if there is one. A token
// for another workspace doesn't see this one: NotFound.
func ActorFor(m core.Member, token *core.Token) (core.Actor, error) {
	if token == nil {
		return core.Actor{Type: core.ActorMember, Account: m.Account, Role: m.Role}, nil
	}
	if token.Workspace != "" && token.Workspace != m.Workspace {
		return core.Actor{}, errNoWorkspace
	}
	return core.Actor{Type: core.ActorToken, Account: m.Account, Role: m.Role, Scopes: token.Scopes}, nil
}

// UpdateRequest says what to change; nil leaves a field as it is.
type UpdateRequest struct{ Name, Slug, TimeZone, Locale *string }

// Update changes a workspace.
func (s *Service) Update(ctx context.Context, ws core.WorkspaceID, actor core.Actor, r UpdateRequest) (core.Workspace, error) {
	const op = "workspace.Update"
	var w core.Workspace
	err := change(ctx, s.store, ws, actor, ScopeWorkspace, func(a core.Access) ([]core.Change, error) {
		w = a.Workspace
		for _, set := range []struct{ field, value *string }{{&w.Name, r.Name}, {&w.Slug, r.Slug}, {&w.TimeZone, r.TimeZone}, {&w.Locale, r.Locale}} {
			if set.value != nil {
				*set.field = strings.TrimSpace(*set.value)
			}
		}
		if err := check(w).Err(op, "The workspace can't be changed like this."); err != nil {
			return nil, err
		}
		return []core.Change{
			core.PutWorkspace{Workspace: w}, s.audit(actor, "workspace.updated", string(ws)),
			core.Happened(ws, s.now(),
				core.WorkspaceUpdated{Name: w.Name, Slug: w.Slug, TimeZone: w.TimeZone, Locale: w.Locale, By: idOf(actor)}),
		}, nil
	})
	return w, slugTaken(op, w.Slug, err)
}

// Delete removes a workspace and everything in it. Only owners may, and only
// when they name it by its slug.
func (s *Service) Delete(ctx context.Context, ws core.WorkspaceID, actor core.Actor, slug string) error {
	const op = "workspace.Delete"
	a, err := s.store.Access(ctx, ws)
	if err != nil {
		return missing(err)
	}
	if err := authorise(a, actor, ScopeWorkspace); err != nil {
		return err
	}
	if m, _ := a.Member(actor.Account); m.Role != core.RoleOwner {
		return core.E(op, core.Denied, "Only an owner may delete the workspace.")
	}
	if slug != a.Workspace.Slug {
		var wrong core.Violations
		wrong.Add("slug", "must be %q, to confirm that this is the workspace to delete", a.Workspace.Slug)
		return wrong.Err(op, "Deleting a workspace removes all its data and can't be undone.")
	}
	if err := s.store.DeleteWorkspace(ctx, ws); err != nil {
		return core.Wrap(op, core.Unavailable, err)
	}
	s.objects.ForgetWorkspace(ctx, ws)
	return nil
}

// Audit returns a page of the audit log, newest first. before is the position
// the page before it answered, 0 for the first; limit is 1 to 200.
func (s *Service) Audit(ctx context.Context, ws core.WorkspaceID, actor core.Actor, before int64, limit int) ([]core.AuditEntry, int64, error) {
	if _, err := read(ctx, s.store, ws, actor, ScopeAudit); err != nil {
		return nil, 0, err
	}
	entries, next, err := s.store.Audit(ctx, ws, before, min(max(limit, 1), 200))
	return entries, next, core.Wrap("workspace.Audit", core.Unavailable, err)
}

func (s *Service) audit(actor core.Actor, action, subject string) core.Change {
	return auditLine(s.now(), actor, action, subject)
}

func auditLine(now time.Time, actor core.Actor, action, subject string) core.Change {
	return core.AppendAudit{Entry: core.AuditEntry{Time: now, Actor: idOf(actor), Action: action, Subject: subject}}
}

// idOf is who did something, as the audit log and the platform's events name them.
func idOf(actor core.Actor) string {
	if actor.Type == core.ActorInstallation {
		return string(actor.Install)
	}
	return string(actor.Account)
}

// missing turns the store's NotFound of a workspace into the one everybody gets.
func missing(err error) error {
	if core.KindOf(err) == core.NotFound {
		return errNoWorkspace
	}
	return core.Wrap("workspace.Access", core.Unavailable, err)
}

func check(w core.Workspace) (wrong core.Violations) {
	if w.Name == "" || !utf8.ValidString(w.Name) || utf8.RuneCountInString(w.Name) > 100 || strings.ContainsFunc(w.Name, unicode.IsControl) {
		wrong.Add("name", "must have 1 to 100 characters, without line breaks or other control characters")
	}
	if !core.ValidSlug(w.Slug) {
		wrong.Add("slug",
			"must be 2 to 39 lower-case letters, digits and dashes, begin with a letter, "+
				"and not be a word of the address itself like api or console")
	}
	if _, err := time.LoadLocation(w.TimeZone); err != nil || w.TimeZone == "Local" || w.TimeZone == "" {
		wrong.Add("timeZone", "is not a time zone; write it like Europe/Paris")
	}
	if !localePattern.MatchString(w.Locale) {
		wrong.Add("locale", "is not a language; write it like en or de-CH")
	}
	return wrong
}
