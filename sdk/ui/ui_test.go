package ui

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/page.json")

// everything is a page with each component, each of its members in use.
func everything(t *testing.T) Tree {
	t.Helper()
	stages := []Option{{Value: "lead", Label: "Lead"}, {Value: "won", Label: "Won", Tone: Good}}
	columns := []Column{
		{Key: "name", Label: "Name", Link: "/contacts/:id", Sort: "name"},
		{Key: "email", Label: "Email", Format: Email},
		{Key: "stage", Label: "Stage", Format: Badge, Options: stages},
		{Key: "value", Label: "Value", Format: Money},
	}
	rows, err := Rows([]map[string]any{{"id": "doc_1", "name": "Ada", "stage": "won", "value": map[string]any{"amount": 1250, "currency": "EUR"}}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	upload := Upload("Import", "A CSV file.", "/contacts/import", "/imports")
	upload.Accept, upload.Check = "text/csv", Check{Name: "dryRun", Label: "Only check the file"}
	return Page("Everything",
		Section("Texts", Text("A paragraph."), Markdown("*Formatted* text."), Empty("Nothing yet", "Add something."), Mark("New", Info)),
		Stats(Stat("Contacts", "12"), Figure("Pipeline", map[string]any{"amount": 990, "currency": "JPY"}, Money)),
		Actions(
			Link("Leads", "/contacts").With("stage", "lead"),
			Button("Archive", "POST /contacts/doc_1/archive").With("reason", "old").After("/contacts"),
			Button("Delete", "DELETE /contacts/doc_1").Asking("Delete this contact?").After("/contacts"),
		),
		Filter(Input{Name: "stage", Label: "Stage", Options: stages}),
		Table(columns, rows, "c2").SortedBy("-createdAt").Or(Empty("No contacts", "Add one.")).
			Each(Button("Win", "POST /contacts/:id/win").Only("stage", "lead")),
		Detail(columns, rows[0]),
		Form("Edit", "PATCH /contacts/doc_1", "/contacts/:id",
			Input{Name: "name", Label: "Name", Required: true, Max: 200, Help: "As they write it."},
			Input{Name: "stage", Label: "Stage", Options: stages, Value: "lead"},
			Along("version", 7),
		).Fill(rows[0]),
		Tabs("notes", Tab("notes", "Notes", Timeline([]Entry{{Time: at, Icon: "mail", Title: "Wrote", Text: "Hello", Path: "/mails/doc_2"}}, "c3")), Tab("deals", "Deals")),
		Bars("Sales", []string{"Jan", "Feb"}, Series{Name: "2026", Values: []float64{1, 2.5}}).In("EUR"),
		Lines("Visits", []string{"Mon", "Tue"}, Series{Name: "Visits", Values: []float64{3, 0}}),
		Funnel("Stages", []string{"Lead", "Won"}, Series{Name: "Deals", Values: []float64{10, 4}}),
		Board(columns, "POST /deals/:id/move", Lane("lead", "Lead", nil), Lane("won", "Won", rows)),
		upload,
	).Every(5)
}

// The JSON of the vocabulary is a contract with hosts of other versions and
// with plugins in other languages: a change of it is seen here.
func TestTheJSONOfAPage(t *testing.T) {
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(everything(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/page.json", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/page.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the page is\n%s\nwant\n%s", got.Bytes(), want)
	}
	var again Tree
	if err := json.Unmarshal(want, &again); err != nil {
		t.Fatal(err)
	}
	back, err := json.Marshal(again)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, want); err != nil {
		t.Fatal(err)
	}
	if compact.String() != string(back) {
		t.Errorf("decoded and encoded again it is\n%s\nnot\n%s", back, compact.Bytes())
	}
}

// A host that doesn't know a component has its fallback to show.
func TestEachComponentHasAFallback(t *testing.T) {
	seen := map[string]bool{}
	var walk func(n Node)
	walk = func(n Node) {
		seen[n.Type] = true
		if n.Fallback == "" {
			t.Errorf("a %s %q has no fallback", n.Type, n.Title)
		}
		for _, child := range slices.Concat(n.Children, n.Actions) {
			walk(child)
		}
		if n.Empty != nil {
			walk(*n.Empty)
		}
	}
	for _, child := range everything(t).Children {
		walk(child)
	}
	for _, kind := range strings.Fields("section text markdown empty badge stats stat actions link button filter table detail form tabs tab timeline chart board lane upload") {
		if !seen[kind] {
			t.Errorf("no page has a %s: everything is not complete", kind)
		}
	}
}

// Every member of a component is in use somewhere in the page of the golden.
func TestEveryMemberIsUsed(t *testing.T) {
	raw, err := json.Marshal(everything(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []any{Node{}, Column{}, Option{}, Input{}, Entry{}, Series{}, When{}, Check{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(part)) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(string(raw), `"`+name+`":`) {
				t.Errorf("%T.%s is in no component of the page", part, field.Name)
			}
		}
	}
}

func TestWithLeavesTheOriginalAlone(t *testing.T) {
	one := Button("Pause", "POST /pause").With("a", 1)
	two := one.With("b", 2)
	if len(one.Values) != 1 || len(two.Values) != 2 {
		t.Errorf("one sends %v, two %v", one.Values, two.Values)
	}
}

// The authors' guide names everything an author can call.
func TestTheGuideNamesEveryComponent(t *testing.T) {
	guide, err := os.ReadFile("../../docs/authors.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	check := func(name *ast.Ident) {
		if named++; name.IsExported() && !bytes.Contains(guide, []byte("ui."+name.Name)) {
			t.Errorf("docs/authors.md doesn't name ui.%s", name.Name)
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil {
				check(f.Name)
			}
			g, ok := declaration.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && v.Type != nil && v.Type.(*ast.Ident).Name == "Format" {
					check(v.Names[0])
				}
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d names were looked for", named)
	}
}
