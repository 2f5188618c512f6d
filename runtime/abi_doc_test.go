package runtime

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/abi.md has a row for every operation of core/abi, with its number, name,
// request and answer; the shape of every request and answer; and every function
// of Extism's kernel.
func TestTheABIIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/abi.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(page)
	file, err := parser.ParseFile(token.NewFileSet(), "../core/abi/op.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	shapes := regexp.MustCompile(`[A-Z]\w*(Request|Response)|Page`)
	operations := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Op") {
			return true
		}
		operations++
		number, name := spec.Values[0].(*ast.BasicLit).Value, operationName(spec.Names[0].Name)
		row := regexp.MustCompile(fmt.Sprintf("(?m)^\\| %s \\| `%s` \\|.*$", number, regexp.QuoteMeta(name))).FindString(doc)
		if row == "" {
			t.Errorf("no row for operation %s, `%s`", number, name)
		}
		if name == "input" || name == "output" {
			return true
		}
		for _, shape := range shapes.FindAllString(spec.Comment.Text(), -1) {
			if !strings.Contains(row, "`"+shape+"`") {
				t.Errorf("the row of %s does not mention %s: %s", name, shape, row)
			}
			if !regexp.MustCompile(`(?m)^` + shape + ` +\{`).MatchString(doc) {
				t.Errorf("the shape of %s is missing", shape)
			}
		}
		return true
	})
	if operations < 20 {
		t.Fatalf("found %d operations in core/abi", operations)
	}
	for _, d := range []door{hostDoor, extismDoor} {
		for name := range d.functions {
			if !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("%s.%s is missing", d.module, name)
			}
		}
	}
}

// operationName makes `http.fetch` of OpHTTPFetch, and `mutate` of OpMutate.
func operationName(constant string) string {
	words := regexp.MustCompile(`[A-Z]+(?:[a-z]+|$)`).FindAllString(strings.Replace(strings.TrimPrefix(constant, "Op"), "HTTP", "Http", 1), -1)
	return strings.ToLower(strings.Join(words, "."))
}

// The page's example compiles and answers.
func TestTheABIsExampleRuns(t *testing.T) {
	page, err := os.ReadFile("../docs/abi.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```c\n")
	source, _, _ := strings.Cut(rest, "```")
	path := filepath.Join(t.TempDir(), "hello.c")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	m := load(t, shared(), buildC(path)(t))
	if got := must(t, shared().Run(t.Context(), m, Call{Function: ExportCall, Input: []byte("{}")})); got != `{"body":{"hello":"world"}}` {
		t.Error(got)
	}
}
