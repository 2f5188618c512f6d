package rules

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Module is this module's path.
const Module = "github.com/carrel-dev/carrel"

// Package is one folder of Go source.
type Package struct {
	Path  string // relative to the module's root: "core/abi"
	Files []File // by name
}

// File is one Go file, read as text whatever its build constraints say: a guest's
// files are held to the rules as much as a host's.
type File struct {
	Name      string // base name
	Doc       string // the package comment
	Imports   []string
	Tests     []string // names of the test, benchmark and fuzz functions
	Lines     int
	Generated bool
}

// IsTest tells whether only `go test` compiles the file.
func (f File) IsTest() bool { return strings.HasSuffix(f.Name, "_test.go") }

// generated is the marker that https://go.dev/s/generatedcode asks for.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// isModule says whether a folder is the root of a module.
func isModule(root fs.FS, folder string) bool {
	_, err := fs.Stat(root, path.Join(folder, "go.mod"))
	return err == nil
}

// Packages reads all Go source below root. Like the go command it passes over
// testdata, node_modules, folders that begin with "." or "_", and other modules
// within this one; also over what Carrel itself writes, build and data.
func Packages(root fs.FS) ([]Package, error) {
	found := map[string][]File{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if entry.IsDir() {
			passOver := slices.Contains([]string{"testdata", "node_modules"}, base) ||
				slices.Contains([]string{"build", "data"}, name) ||
				name != "." && (strings.ContainsAny(base[:1], "._") || isModule(root, name))
			if passOver {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		file, err := readFile(root, name)
		if err != nil {
			return err
		}
		folder := path.Dir(name)
		found[folder] = append(found[folder], file)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var packages []Package
	for folder, files := range found {
		packages = append(packages, Package{Path: folder, Files: files})
	}
	slices.SortFunc(packages, func(a, b Package) int { return strings.Compare(a.Path, b.Path) })
	return packages, nil
}

func readFile(root fs.FS, name string) (File, error) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return File{}, err
	}
	// Only test files need their functions; a broken body elsewhere is the
	// compiler's to report.
	mode := parser.ImportsOnly | parser.ParseComments
	if strings.HasSuffix(name, "_test.go") {
		mode = parser.ParseComments | parser.SkipObjectResolution
	}
	tree, err := parser.ParseFile(token.NewFileSet(), name, text, mode)
	if err != nil {
		return File{}, fmt.Errorf("reading the imports of %s: %w", name, err)
	}
	file := File{
		Name:      path.Base(name),
		Doc:       tree.Doc.Text(),
		Lines:     bytes.Count(text, []byte("\n")),
		Generated: generated.Match(text),
	}
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return File{}, fmt.Errorf("%s imports %s, which is no path: %w", name, spec.Path.Value, err)
		}
		file.Imports = append(file.Imports, imported)
	}
	for _, declaration := range tree.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if ok && function.Recv == nil && testName.MatchString(function.Name.Name) {
			file.Tests = append(file.Tests, function.Name.Name)
		}
	}
	return file, nil
}

var testName = regexp.MustCompile(`^(Test|Benchmark|Fuzz)`)
