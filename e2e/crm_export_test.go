package e2e

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
)

// parts reads an export, part by part.
func (m member) parts(limit int) (files [][]byte) {
	m.w.Helper()
	for cursor := ""; ; {
		a := m.Call("crm", fmt.Sprintf("GET /contacts/export?limit=%d&cursor=%s", limit, cursor), nil).want(200)
		kind, name := a.header.Get("Content-Type"), a.header.Get("Content-Disposition")
		if !strings.HasPrefix(kind, "text/csv") || !strings.Contains(name, "contacts.csv") {
			m.w.Errorf("a part is %s, %s", kind, name)
		}
		files = append(files, a.raw)
		if cursor = a.header.Get("X-Next-Cursor"); cursor == "" {
			return files
		}
	}
}

// TestExportAndImport takes an export into another workspace, where it makes the
// same contacts, and back, where it changes nothing.
func TestExportAndImport(t *testing.T) {
	crm := newCRM(t)
	beta := As(crm.person).In(As(crm.person).Workspace("Beta", "enterprise"))
	beta.Install("crm")
	acme := crm.make("/companies", body{"name": "Acme; \"Sons\"", "domain": "acme.example"})
	names := []string{"=HYPERLINK(\"http://evil.example\")", "'=quoted", "'plain", "Ada, Countess", "line\nbreak", "-", "@handle", "Größe 😀"}
	var first string
	for i, name := range names {
		email := fmt.Sprintf("c%d@example.com", i)
		id := crm.make("/contacts", body{"email": email, "name": name, "phone": "+49 30 1234", "companyId": acme, "lifecycle": "customer"})
		first = cmp.Or(first, id)
	}
	merged := crm.make("/contacts", body{"email": "c9@example.com", "name": "the same"})
	crm.Call("crm", "POST /contacts/"+first+"/merge", body{"loserId": merged}).want(200)

	files := crm.parts(3)
	if len(files) != 3 {
		t.Fatalf("%d parts", len(files))
	}
	rows := 0
	for _, file := range files {
		records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(file), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatalf("another reader of CSV: %v\n%s", err, file)
		}
		rows += len(records) - 1
		for _, record := range records {
			for _, cell := range record {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
					t.Errorf("a spreadsheet would compute %q", cell)
				}
			}
		}
		for _, to := range []member{crm, beta} {
			report := to.w.imports(to, to.Call("crm", "POST /contacts/import", file).want(202).text("id"))
			if report.number("failed") != 0 || to.workspace == crm.workspace && report.number("unchanged") != len(records)-1 {
				t.Errorf("imported into %s: %s", to.workspace, report.raw)
			}
		}
	}
	portrait := func(m member) string {
		var b strings.Builder
		for _, one := range m.all("crm", "/contacts?sort=email") {
			company := m.Call("crm", fmt.Sprint("GET /companies/", one["companyId"]), nil).want(200).text("domain")
			fmt.Fprintln(&b, one["email"], one["name"], one["phone"], one["lifecycle"], one["source"], company)
		}
		return b.String()
	}
	if there, here := portrait(beta), portrait(crm); rows != 8 || there != here {
		t.Errorf("%d rows; acme has\n%s\nbeta has\n%s", rows, here, there)
	}
	for _, bad := range []string{"limit=0", "limit=5001", "cursor=rubbish", "page=2"} {
		crm.Call("crm", "GET /contacts/export?"+bad, nil).want(400)
	}
}

// TestExportOfManyContacts reads more contacts than a page, and than half of a
// part.
func TestExportOfManyContacts(t *testing.T) {
	crm := newCRM(t)
	crm.w.imports(crm, crm.Call("crm", "POST /contacts/import", []byte(contactsCSV(0, 3000))).want(202).text("id"))
	files := crm.parts(5000)
	if len(files) != 1 {
		t.Fatalf("%d parts", len(files))
	}
	emails := map[string]bool{}
	for line := range strings.Lines(string(files[0])) {
		email, _, _ := strings.Cut(line, ",")
		emails[email] = true
	}
	if len(emails) != 2940+1 { // and the heading
		t.Errorf("%d contacts are exported", len(emails)-1)
	}
}

// TestPipelineReport adds up deals by hand and compares.
func TestPipelineReport(t *testing.T) {
	crm := newCRM(t)
	deal := func(stage string, amount int, currency, owner string) string {
		t.Helper()
		return crm.make("/deals", body{"title": "d", "stageKey": stage, "amount": amount, "currency": currency, "ownerId": owner})
	}
	deal("lead", 1_005, "EUR", "acc_a")    // 10 percent: 100.5
	deal("lead", 2_000, "EUR", "acc_b")    // together 3,005: 300.5, rounded up
	deal("lead", 500, "JPY", "acc_a")      // no other minor unit: 50
	deal("qualified", 333, "EUR", "acc_a") // 50 percent: 166.5
	deal("qualified", 0, "", "acc_b")      // worth nothing yet
	crm.Call("crm", "POST /deals/"+deal("contacted", 10_000, "USD", "acc_a")+"/win", nil).want(200)
	crm.Call("crm", "POST /deals/"+deal("contacted", 77, "EUR", "acc_a")+"/lose", body{}).want(200)
	figures := func(of any) string {
		f := of.(map[string]any)
		return fmt.Sprint(f["count"], " ", f["sums"])
	}
	check := func(query, want string) {
		t.Helper()
		report := crm.Call("crm", "GET /reports/pipeline"+query, nil).want(200)
		var got []string
		for _, stage := range report.list("stages") {
			got = append(got, fmt.Sprint(stage.(map[string]any)["key"], ": ", figures(stage)))
		}
		got = append(got, "total: "+figures(report.object()["total"]), "lost: "+figures(report.object()["lost"]))
		if text := strings.Join(got, "\n"); text != want {
			t.Errorf("the report%s:\n%s\nwant\n%s", query, text, want)
		}
	}
	check("", `lead: 3 [map[amount:3005 currency:EUR weighted:301] map[amount:500 currency:JPY weighted:50]]
contacted: 0 []
qualified: 2 [map[amount:333 currency:EUR weighted:167]]
closed: 1 [map[amount:10000 currency:USD weighted:10000]]
total: 6 [map[amount:3338 currency:EUR weighted:468] map[amount:500 currency:JPY weighted:50] map[amount:10000 currency:USD weighted:10000]]
lost: 1 [map[amount:77 currency:EUR weighted:0]]`)
	check("?ownerId=acc_b", `lead: 1 [map[amount:2000 currency:EUR weighted:200]]
contacted: 0 []
qualified: 1 []
closed: 0 []
total: 2 [map[amount:2000 currency:EUR weighted:200]]
lost: 0 []`)
	crm.Call("crm", "GET /reports/pipeline?pipelineId=doc_01900000-0000-7000-8000-000000000000", nil).want(404)
}
