package archive_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/archive"
	"github.com/carrel-dev/carrel/store/storetest"
)

func (p place) restoreWorkspace(file string, ws core.WorkspaceID) error {
	p.t.Helper()
	r := p.read(file)
	return p.change(ws, func(to archive.Transaction) error {
		return archive.Restore{HasKey: anyKey}.Workspace(p.t.Context(), r, ws, to)
	})
}

// of splits the rows of all tables: those of a workspace, and the others.
func of(p place, ws core.WorkspaceID) (its, others map[string][]string) {
	its, others = map[string][]string{}, p.all()
	for _, t := range archive.Tables {
		if t.Workspace == "" {
			continue
		}
		its[t.Name] = p.table(t, ws)
		others[t.Name] = slices.DeleteFunc(others[t.Name], func(row string) bool { return slices.Contains(its[t.Name], row) })
	}
	return its, others
}

// unnumbered is what a restored workspace has in common with the one that it was.
func unnumbered(rows map[string][]string) map[string][]string {
	rows["heads"] = nil
	for _, numbered := range []string{"slugs", "audit"} {
		for i, row := range rows[numbered] {
			_, rows[numbered][i], _ = strings.Cut(row, ", ")
		}
	}
	for i, row := range rows["deliveries"] {
		rows["deliveries"][i] = strings.Replace(row, `"running"`, `"retry"`, 1)
	}
	return rows
}

// head is the moment a workspace is at.
func (p place) head(ws core.WorkspaceID) (seq, epoch int64) {
	p.t.Helper()
	s := p.snapshot()
	p.must(s.Rows(p.t.Context(), archive.Tables[5], ws, func(row archive.Row) error {
		seq, epoch = row[1].(int64), row[2].(int64)
		return nil
	}))
	p.must(s.Close())
	return seq, epoch
}

// contacts counts the contacts of an address, as a plugin would.
func contacts(t testing.TB, db storetest.Platform, ws core.WorkspaceID, email string) int {
	t.Helper()
	value, _ := json.Marshal(email)
	found, _, err := store.New(db).Begin(ws, scope(t, db, ws)).Query(t.Context(), abi.QueryRequest{
		Table: "contacts", Filter: []abi.Filter{{Field: "email", Op: "eq", Value: value}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// TestAttack64_RestoringOneWorkspaceLeavesTheOthers: everything in the other
// workspaces and around them is byte for byte what it was, also what was changed
// since the backup. The one is as it was then, at a later moment than any before;
// its tokens are as they are now.
func TestAttack64_RestoringOneWorkspaceLeavesTheOthers(t *testing.T) {
	onEach(t, func(t *testing.T, empty func() place) {
		p := empty()
		all := filled(t, p)
		one, other := all[1], all[2]
		p.use(func(db storetest.Platform) {
			now := time.Now()
			claimed, err := db.ClaimDeliveries(t.Context(), now, now.Add(time.Minute), "", nil, 1, 100)
			p.must(err)
			if len(claimed) == 0 {
				t.Fatal("no delivery is running")
			}
		})
		want, _ := of(p, one.ID)
		want = unnumbered(want)
		file, _ := p.backup()

		change := func(w core.Workspace) func(storetest.Platform) {
			return func(db storetest.Platform) {
				u := store.New(db).Begin(w.ID, scope(t, db, w.ID))
				_, err := u.Insert(t.Context(), "contacts", json.RawMessage(`{"name": "Bob"}`))
				p.must(err)
				_, err = u.Commit(t.Context())
				p.must(err)
			}
		}
		for name, before := range map[string]func(storetest.Platform){
			"after changes": change(one),
			"after it was deleted": func(db storetest.Platform) {
				p.must(db.DeleteWorkspace(t.Context(), one.ID))
				want["tokens"] = nil
			},
		} {
			p.use(change(other))
			p.use(before)
			seq, epoch := p.head(one.ID)
			_, others := of(p, one.ID)
			p.must(p.restoreWorkspace(file, one.ID))
			got, left := of(p, one.ID)
			same(t, left, others)
			if s, e := p.head(one.ID); s <= seq || e <= epoch || s < 1e15 || e < 1e15 {
				t.Errorf("%s: the moment is %d, %d; it was %d, %d", name, s, e, seq, epoch)
			}
			same(t, unnumbered(got), want)
			p.use(func(db storetest.Platform) {
				if n := contacts(t, db, one.ID, "a@example.com"); n != 1 {
					t.Errorf("%s: %d contacts", name, n)
				}
				change(one)(db)
			})
		}
	})
}

// In another deployment, on the other kind of database, tables have other
// numbers and people other ids.
func TestAWorkspaceMovesToAnotherInstallation(t *testing.T) {
	for from, to := range map[string]string{"sqlite": "postgres", "postgres": "sqlite"} {
		t.Run(from+" to "+to, func(t *testing.T) {
			source, target := kinds[from](t), kinds[to](t)
			moved := filled(t, source)[0]
			file, _ := source.backup()
			var known core.Account
			target.use(func(db storetest.Platform) {
				_, err := db.Numbers(t.Context(), []string{"others", "come", "first"})
				target.must(err)
				storetest.Fill(t, db)
			})
			source.use(func(db storetest.Platform) {
				access, err := db.Access(t.Context(), moved.ID)
				source.must(err)
				known, err = db.Account(t.Context(), access.Members[0].Account)
				source.must(err)
			})
			known.ID, known.Operator = core.NewAccountID(), true
			target.use(func(db storetest.Platform) { target.must(db.CreateAccount(t.Context(), known)) })
			target.must(target.restoreWorkspace(file, moved.ID))
			target.use(func(db storetest.Platform) {
				if n := contacts(t, db, moved.ID, "a@example.com"); n != 1 {
					t.Errorf("%d contacts", n)
				}
				access, err := db.Access(t.Context(), moved.ID)
				if err != nil || len(access.Members) != 1 || access.Members[0].Account != known.ID {
					t.Errorf("members %+v, %v", access.Members, err)
				}
			})

			// Who isn't there gets an account that is no operator's.
			empty := kinds[to](t)
			empty.use(func(storetest.Platform) {})
			empty.must(empty.restoreWorkspace(file, moved.ID))
			if made := empty.table(archive.Tables[0], ""); len(made) != 1 || !strings.Contains(made[0], known.Email) || strings.Contains(made[0], "true") {
				t.Errorf("accounts %v", made)
			}
		})
	}
}

// An address that another workspace has got since is not taken from it.
func TestAnAddressIsNotTakenFromAnother(t *testing.T) {
	onEach(t, func(t *testing.T, empty func() place) {
		p := empty()
		all := filled(t, p)
		file, _ := p.backup()
		p.use(func(db storetest.Platform) {
			p.must(db.DeleteWorkspace(t.Context(), all[0].ID))
			p.must(db.Change(t.Context(), all[1].ID, func(a core.Access) ([]core.Change, error) {
				a.Workspace.Slug = all[0].Slug
				return []core.Change{core.PutWorkspace{Workspace: a.Workspace}}, nil
			}))
		})
		before := p.all()
		if err := p.restoreWorkspace(file, all[0].ID); core.KindOf(err) != core.Exists || !strings.Contains(core.MessageOf(err), all[0].Slug) {
			t.Errorf("restored: %v", err)
		}
		same(t, p.all(), before)
	})
}

// scope is that of a unit in a workspace, authorised now.
func scope(t testing.TB, db storetest.Platform, ws core.WorkspaceID) store.Scope {
	t.Helper()
	access, err := db.Access(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	scope := storetest.Scope()
	scope.Installation, scope.AuthEpoch = access.Installations[0].ID, access.Epoch
	return scope
}
