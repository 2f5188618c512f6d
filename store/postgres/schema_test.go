package postgres

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/store/storetest"
)

// table is what the roles may do with a table.
type table struct {
	tenant, platform string
	backup           string // empty: SELECT, INSERT and DELETE; no: nothing
	shared           bool   // of no workspace: a policy of its own, or none
}

// no is no right at all.
const no = "no"

// tables are all there are. A new one has its rows isolated by the policy that
// isolate makes, or is declared to be shared here; and no role gets a right that
// isn't listed.
var tables = map[string]table{
	"heads":          {tenant: "DELETE INSERT SELECT UPDATE", platform: "SELECT(auth_epoch) SELECT(workspace)"},
	"documents":      {tenant: "DELETE INSERT SELECT UPDATE"},
	"entries":        {tenant: "DELETE INSERT SELECT"},
	"unique_entries": {tenant: "DELETE INSERT SELECT"},
	"receipts":       {tenant: "DELETE INSERT SELECT"},
	"usage_sums":     {tenant: "DELETE INSERT SELECT UPDATE"},
	"audit":          {tenant: "DELETE INSERT SELECT"},
	"events":         {tenant: "DELETE INSERT SELECT"},
	"blobs":          {tenant: "DELETE INSERT SELECT"},
	"invocations":    {tenant: "DELETE INSERT SELECT", platform: "INSERT"},
	"deliveries": {tenant: "DELETE INSERT SELECT UPDATE",
		platform: "SELECT UPDATE(attempt) UPDATE(due) UPDATE(last_error) UPDATE(later) UPDATE(node) UPDATE(state)"},
	"workspaces": {tenant: "DELETE INSERT SELECT UPDATE", platform: "SELECT"},
	"slugs":      {tenant: "DELETE INSERT SELECT", platform: "SELECT(slug) SELECT(workspace)"},
	"tokens":     {tenant: "DELETE SELECT(workspace)", platform: "DELETE INSERT SELECT UPDATE(last_used)"},
	"members":    {tenant: "DELETE INSERT SELECT UPDATE", platform: "SELECT"},
	"installations": {tenant: "DELETE INSERT SELECT UPDATE",
		platform: "SELECT(configured) SELECT(digest) SELECT(id) SELECT(workspace)"},
	"contracts": {tenant: "DELETE INSERT SELECT UPDATE", platform: "SELECT(ended) SELECT(plan) SELECT(workspace)"},

	"accounts": {shared: true, // a workspace sees its members'
		tenant: "SELECT(email) SELECT(id) SELECT(name)", platform: "INSERT SELECT UPDATE(password_hash)", backup: "INSERT SELECT"},
	"catalog":          {shared: true, tenant: "SELECT", platform: "INSERT SELECT"},
	"setup":            {shared: true, platform: "DELETE INSERT SELECT UPDATE(hash)", backup: "DELETE"},
	"sessions":         {shared: true, platform: "DELETE INSERT SELECT", backup: "DELETE"},
	"leases":           {shared: true, platform: "DELETE INSERT SELECT UPDATE", backup: no},
	"secret_keys":      {shared: true, platform: "DELETE INSERT SELECT UPDATE(complete)"},
	"goose_db_version": {shared: true, backup: "SELECT(is_applied) SELECT(version_id)"},
}

// column is the one that says whose a row of an isolated table is.
func column(table string) string {
	if table == "workspaces" {
		return "id"
	}
	return "workspace"
}

// The condition of the policy that isolate makes, and what the role of backups may
// write: in one workspace, or with none named, in all.
const (
	isolated = "(%s = ( SELECT current_workspace() AS current_workspace))"
	written  = "((( SELECT current_workspace() AS current_workspace) IS NULL) OR (%s = ( SELECT current_workspace() AS current_workspace)))"
)

// faults are the reasons not to trust the database to keep workspaces apart.
func faults(t testing.TB, q querier) (found []string) {
	t.Helper()
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	const ours = "n.nspname IN ('" + schema + "', '" + viewSchema + "')"
	relations := list(t, q, `SELECT concat_ws(' ', relkind, relname, relrowsecurity, relforcerowsecurity)
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE `+ours+` AND relkind NOT IN ('i', 'I', 'S', 'c') ORDER BY relname`)
	missing := len(tables)
	for _, relation := range relations {
		var kind, name, enabled, forced string
		if _, err := fmt.Sscan(relation, &kind, &name, &enabled, &forced); err != nil {
			t.Fatal(err)
		}
		if kind == "v" {
			if !slices.Contains(list(t, q, `SELECT unnest(reloptions) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
				WHERE `+ours+` AND relname = $1`, name), "security_invoker=true") {
				fault("the view %s reads with the rights of its owner", name)
			}
			continue
		}
		table, known := tables[name]
		if !known || kind != "r" {
			fault("the relation %s (%s) is not in this test's list", name, kind)
			continue
		}
		missing--
		policies := list(t, q, `SELECT concat_ws(' ', policyname, permissive, array_to_string(roles, ','), cmd, qual, with_check)
			FROM pg_policies WHERE schemaname = '`+schema+`' AND tablename = $1`, name)
		want := "tenant PERMISSIVE " + roleTenant + " ALL " + fmt.Sprintf(isolated, column(name))
		if !table.shared && (enabled+forced != "tt" || !slices.Contains(policies, want)) {
			fault("%s is not isolated: row level security is enabled %s, forced %s, its policies are %q", name, enabled, forced, policies)
		}
		backup := []string{
			"backup_read PERMISSIVE " + roleBackup + " SELECT true",
			"backup_insert PERMISSIVE " + roleBackup + " INSERT " + fmt.Sprintf(written, column(name)),
			"backup_delete PERMISSIVE " + roleBackup + " DELETE " + fmt.Sprintf(written, column(name)),
		}
		for _, policy := range backup {
			if !table.shared && !slices.Contains(policies, policy) {
				fault("%s lacks the policy %s", name, policy)
			}
		}
		for _, policy := range policies {
			if !table.shared && policy != want && !slices.Contains(backup, policy) && !strings.HasPrefix(policy, "platform PERMISSIVE "+rolePlatform+" ") {
				fault("%s has the policy %s", name, policy)
			}
		}
		granted := list(t, q, `SELECT coalesce(r.rolname, 'everybody') || ' ' || g.privilege FROM (
				SELECT a.grantee, a.privilege_type AS privilege, c.relowner FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = $1::regclass
				UNION ALL SELECT a.grantee, a.privilege_type || '(' || k.attname || ')', c.relowner
				FROM pg_class c JOIN pg_attribute k ON k.attrelid = c.oid, aclexplode(k.attacl) a WHERE c.oid = $1::regclass
			) g LEFT JOIN pg_roles r ON r.oid = g.grantee WHERE g.grantee <> g.relowner ORDER BY 1`, schema+"."+name)
		var allowed []string
		backed := strings.TrimSuffix(cmp.Or(table.backup, "DELETE INSERT SELECT"), no)
		for role, privileges := range map[string]string{roleTenant: table.tenant, rolePlatform: table.platform, roleBackup: backed} {
			for _, privilege := range strings.Fields(privileges) {
				allowed = append(allowed, role+" "+privilege)
			}
		}
		slices.Sort(granted)
		slices.Sort(allowed)
		if !slices.Equal(granted, allowed) {
			fault("%s is granted to %q, want %q", name, granted, allowed)
		}
	}
	if missing != 0 {
		fault("%d tables of this test's list are not there", missing)
	}
	for _, definer := range list(t, q, "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE prosecdef AND "+ours) {
		fault("the function %s runs with the rights of its owner", definer)
	}
	for _, role := range []string{roleTenant, rolePlatform, roleBackup} {
		found = append(found, list(t, q, `SELECT $1 || ' may ' || may FROM pg_roles, LATERAL (VALUES
				(rolsuper, 'do everything'), (rolbypassrls, 'see every row'), (rolcreatedb, 'make databases'), (rolcreaterole, 'make roles'),
				(rolcanlogin, 'log in'), (rolreplication, 'read the log'),
				(has_schema_privilege(oid, '`+schema+`', 'CREATE'), 'make tables'),
				(has_database_privilege(oid, current_database(), 'CREATE'), 'make schemas'),
				(EXISTS (SELECT FROM pg_auth_members WHERE member = oid), 'be another role'),
				(EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = oid AND deptype = 'o'),
					'do what it likes with what it owns')
			) rights (has, may) WHERE rolname = $1 AND has`, role)...)
	}
	return found
}

// TestAttack02_EveryTableIsIsolated: there is no table that isn't isolated or
// declared, and no right that isn't needed. What the test looks for it finds when
// it is there.
func TestAttack02_EveryTableIsIsolated(t *testing.T) {
	p := openPlatform(t)
	for _, fault := range faults(t, p.superuser) {
		t.Error(fault)
	}
	for _, careless := range []string{
		"CREATE TABLE careless (workspace text)",
		"ALTER TABLE documents DISABLE ROW LEVEL SECURITY",
		"ALTER TABLE documents NO FORCE ROW LEVEL SECURITY",
		"DROP POLICY tenant ON documents",
		"CREATE POLICY another ON documents TO carrel_tenant USING (true)",
		"CREATE POLICY another ON documents USING (true)",
		"ALTER POLICY tenant ON documents USING (workspace <> '')",
		"GRANT SELECT ON documents TO carrel_platform",
		"GRANT SELECT (settings) ON installations TO carrel_platform",
		"GRANT UPDATE ON accounts TO carrel_backup",
		"ALTER POLICY backup_delete ON documents USING (true)",
		"DROP POLICY backup_insert ON documents",
		"GRANT carrel_backup TO carrel_platform",
		"GRANT SELECT ON accounts TO PUBLIC",
		"GRANT CREATE ON SCHEMA carrel TO carrel_tenant",
		"ALTER TABLE documents OWNER TO carrel_tenant",
		"ALTER ROLE carrel_tenant BYPASSRLS",
		"GRANT pg_read_all_data TO carrel_platform",
	} {
		transact(t, p.superuser, "", func(tx pgx.Tx) {
			if _, err := tx.Exec(t.Context(), careless); err != nil {
				t.Fatal(careless, err)
			}
			if len(faults(t, tx)) == 0 {
				t.Errorf("nobody notices: %s", careless)
			}
		})
	}
}

// TestAttack04_ViewsAndFunctionsReadAsWhoAsks: nothing in the schema runs with the
// rights of its owner, and the test finds what would. A view that reads with the
// rights of who asks shows a workspace its own rows.
func TestAttack04_ViewsAndFunctionsReadAsWhoAsks(t *testing.T) {
	p := openPlatform(t)
	a := storetest.Fill(t, p)
	storetest.Fill(t, p)
	if names, err := MakeViews(t.Context(), p.url, storetest.Plugin, storetest.Tables); err != nil || len(names) == 0 {
		t.Fatalf("made %q, %v", names, err)
	}
	for statement, leaks := range map[string]bool{
		"CREATE VIEW readable WITH (security_invoker) AS SELECT * FROM documents":                                       false,
		"CREATE VIEW readable WITH (security_invoker = false) AS SELECT * FROM documents":                               true,
		"CREATE VIEW carrel_views.readable AS SELECT * FROM documents":                                                  true,
		"CREATE VIEW readable AS SELECT * FROM documents":                                                               true,
		"CREATE MATERIALIZED VIEW readable AS SELECT * FROM documents":                                                  true,
		"CREATE FUNCTION readable() RETURNS SETOF documents LANGUAGE sql AS 'SELECT * FROM documents'":                  false,
		"CREATE FUNCTION readable() RETURNS SETOF documents LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM documents'": true,
	} {
		transact(t, p.superuser, a.ID, func(tx pgx.Tx) {
			statements := []string{statement}
			_, from, _ := strings.Cut(statement, "VIEW ")
			from, _, isView := strings.Cut(from, " ")
			if isView {
				statements = append(statements, "GRANT SELECT ON "+from+" TO "+roleTenant)
			} else {
				from = "readable()"
			}
			for _, statement := range append(statements, "SET LOCAL ROLE "+roleTenant) {
				if _, err := tx.Exec(t.Context(), statement); err != nil {
					t.Fatal(statement, err)
				}
			}
			if n := list(t, tx, "SELECT DISTINCT workspace FROM "+from); (len(n) == 2) != leaks {
				t.Errorf("%s shows rows of %v", statement, n)
			}
			if found := faults(t, tx); (len(found) > 0) != leaks {
				t.Errorf("%s: found %q", statement, found)
			}
		})
	}
}
