package storetest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Platform is all that the server asks of a database: documents, deliveries, and
// what core/account, core/workspace, core/billing and web/api keep and read.
type Platform interface {
	Deliveries

	CreateAccount(ctx context.Context, a core.Account) error
	CreateFirstAccount(ctx context.Context, a core.Account, setup [32]byte) error
	Account(ctx context.Context, id core.AccountID) (core.Account, error)
	AccountByEmail(ctx context.Context, email string) (core.Account, error)
	HasAccounts(ctx context.Context) (bool, error)
	SetPassword(ctx context.Context, id core.AccountID, hash string) error
	PutSetup(ctx context.Context, hash [32]byte) error
	Setup(ctx context.Context) ([32]byte, error)
	ReplaceSession(ctx context.Context, s core.Session, previous [32]byte) error
	SessionByHash(ctx context.Context, hash [32]byte) (core.Session, core.Account, error)
	DeleteSession(ctx context.Context, hash [32]byte) error
	CreateToken(ctx context.Context, t core.Token) error
	TokenByHash(ctx context.Context, hash [32]byte) (core.Token, core.Account, error)
	TokensOf(ctx context.Context, account core.AccountID) ([]core.Token, error)
	DeleteToken(ctx context.Context, account core.AccountID, id core.TokenID) error
	TouchToken(ctx context.Context, id core.TokenID, used time.Time) error

	CreateWorkspace(ctx context.Context, w core.Workspace, owner core.AccountID, c core.Contract, entry core.AuditEntry) error
	Memberships(ctx context.Context, account core.AccountID) ([]core.Workspace, []core.Member, error)
	Membership(ctx context.Context, ref string, account core.AccountID) (core.Workspace, core.Member, error)
	Workspace(ctx context.Context, ref string) (core.Workspace, error)
	Access(ctx context.Context, ws core.WorkspaceID) (core.Access, error)
	Change(ctx context.Context, ws core.WorkspaceID, decide func(core.Access) ([]core.Change, error)) error
	DeleteWorkspace(ctx context.Context, ws core.WorkspaceID) error
	Footprint(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) (core.Footprint, error)
	Blobs(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) ([]core.Blob, error)
	Contracts(ctx context.Context, ws core.WorkspaceID) ([]core.Contract, error)
	UsageSums(ctx context.Context, ws core.WorkspaceID) ([]core.UsageSum, error)
	Configured(ctx context.Context) ([]core.WorkspaceID, error)
	SecretKeys(ctx context.Context) (map[string]core.KeyState, error)
	PutSecretKey(ctx context.Context, id string, state core.KeyState, known ...string) error

	Events(ctx context.Context, ws core.WorkspaceID, eventType string, before core.EventID, limit int) ([]core.Event, error)
	Invocations(ctx context.Context, ws core.WorkspaceID, before core.InvocationID, limit int) ([]core.InvocationRecord, error)
	Invocation(ctx context.Context, ws core.WorkspaceID, id core.InvocationID) (core.InvocationRecord, error)
	Attempts(ctx context.Context, ws core.WorkspaceID, deliveries []core.DeliveryID) ([]core.InvocationRecord, error)
	Pulse(ctx context.Context, ws core.WorkspaceID) (int64, core.InvocationID, error)
	WriteInvocations(ctx context.Context, records []core.InvocationRecord) error

	// Rows counts, past everything that keeps workspaces apart, the rows of one in
	// each table that holds such rows.
	Rows(t testing.TB, ws core.WorkspaceID) map[string]int
}

// RunPlatform runs the suite of what is around the documents. open is as for Run.
func RunPlatform(t *testing.T, open func(t *testing.T) Platform) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(*testing.T, *house)
	}{
		{"FirstAccount", firstAccount},
		{"Accounts", accounts},
		{"Sessions", sessions},
		{"Tokens", tokens},
		{"Memberships", memberships},
		{"Addresses", addresses},
		{"Access", access},
		{"AllOrNothing", allOrNothing},
		{"ChangesTakeTurns", changesTakeTurns},
		{"PutInstallation", putInstallation},
		{"Contracts", contracts},
		{"ReceiptTwice", receiptTwice},
		{"UsageLimit", usageLimit},
		{"SecretKeys", secretKeys},
		{"BlobRows", blobRows},
		{"AuditPages", auditPages},
		{"EventPages", eventPages},
		{"InvocationLog", invocationLog},
		{"Pulse", pulse},
		{"NothingStale", nothingStale},
		{"MomentIsNow", momentIsNow},
		{"LookedAtAgain", lookedAtAgain},
		{"NobodyIsLetIn", nobodyIsLetIn},
		{"DeleteWorkspace", deleteWorkspace},
		{"DeletedUnderWay", deletedUnderWay},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, &house{t, open(t)}) })
	}
}

// house is a database with workspaces and people in it.
type house struct {
	t testing.TB
	Platform
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// person makes an account.
func (h *house) person() core.Account {
	h.t.Helper()
	a := core.Account{ID: core.NewAccountID(), Name: "Ada", PasswordHash: "x", Operator: true, Created: noon}
	a.Email = string(a.ID) + "@example.com"
	h.must(h.CreateAccount(context.Background(), a))
	return a
}

// workspace makes one with an owner.
func (h *house) workspace() (core.Workspace, core.Account) {
	h.t.Helper()
	a := h.person()
	w := core.Workspace{ID: core.NewWorkspaceID(), Name: "W", TimeZone: "UTC", Locale: "en", Home: "here", Plan: "starter", Created: noon}
	w.Slug = string(w.ID[3:])
	h.must(h.create(w, a))
	return w, a
}

func (h *house) create(w core.Workspace, owner core.Account) error {
	contract := core.Contract{ID: core.NewContractID(), Workspace: w.ID, Plan: w.Plan, Began: w.Created}
	return h.CreateWorkspace(context.Background(), w, owner.ID, contract,
		core.AuditEntry{Time: w.Created, Actor: string(owner.ID), Action: "workspace.created"})
}

func (h *house) change(ws core.WorkspaceID, changes ...core.Change) error {
	return h.Change(context.Background(), ws, func(core.Access) ([]core.Change, error) { return changes, nil })
}

func (h *house) access(ws core.WorkspaceID) core.Access {
	h.t.Helper()
	a, err := h.Access(context.Background(), ws)
	h.must(err)
	return a
}

// complete is an installation of the suite's plugin, with something in every field.
func complete() core.Installation {
	return core.Installation{
		ID: core.NewInstallationID(), Plugin: Plugin, Alias: "people", Version: "1.0.0", Digest: "sha256:1", State: core.InstallationEnabled,
		Grants: []core.Grant{{Capability: abi.CapabilityHTTP, Hosts: []string{"a.example.com"}}}, Settings: json.RawMessage(`{"a":1}`),
		RoleScopes: map[core.Role][]string{core.RoleMember: {"crm.read"}}, Revision: 1, Created: noon, Updated: noon,
	}
}
