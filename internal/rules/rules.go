package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// MaxLines is the most a file may have, generated ones aside. A file holds one
// noun; one that grows past this holds two.
const MaxLines = 500

// CheckImports returns a sentence for each import the table or the sibling
// groups forbid, and for each package without a row.
func CheckImports(packages []Package, table []Row, siblings [][]string) []string {
	var faults []string
	for _, p := range packages {
		row, ok := rowOf(table, p.Path)
		if !ok {
			faults = append(faults, fmt.Sprintf(
				"%s has no row in internal/rules/table.go: add one that says what it may import, and why", p.Path))
			continue
		}
		for _, file := range p.Files {
			for _, imported := range file.Imports {
				if fault := checkImport(p, file, imported, row, siblings); fault != "" {
					faults = append(faults, fault)
				}
			}
		}
	}
	return faults
}

func checkImport(p Package, file File, imported string, row Row, siblings [][]string) string {
	where := path.Join(p.Path, file.Name)
	inside, ok := strings.CutPrefix(imported, Module+"/")
	switch {
	case ok && inside == p.Path: // an external test package imports its own
		return ""
	case ok && !file.IsTest() && areSiblings(siblings, p.Path, inside):
		return fmt.Sprintf("%s imports its sibling %s: declare the interface it needs, and let cmd/carrel/app plug that in", where, inside)
	case ok:
		if matchAny(row.Module, p.Path, inside) || file.IsTest() && matchAny(row.Tests, p.Path, inside) {
			return ""
		}
	case standard(imported):
		return ""
	default:
		if hasAnyPrefix(row.Other, imported) || file.IsTest() && hasAnyPrefix(row.Tests, imported) {
			return ""
		}
	}
	return fmt.Sprintf("%s imports %s, which the row %q of internal/rules/table.go does not allow (%s)", where, imported, row.Package, row.Why)
}

// CheckNames returns a sentence for each package without a doc.go, each file
// that is too long, and each name that says nothing.
func CheckNames(packages []Package) []string {
	var faults []string
	for _, p := range packages {
		if empty(path.Base(p.Path)) {
			faults = append(faults, fmt.Sprintf("%s: name the folder after what is in it", p.Path))
		}
		if !documented(p) {
			faults = append(faults, fmt.Sprintf(
				"%s has no doc.go with a package comment: say what it does, what it must never import, and where to start reading", p.Path))
		}
		for _, file := range p.Files {
			where := path.Join(p.Path, file.Name)
			if empty(strings.TrimSuffix(strings.TrimSuffix(file.Name, ".go"), "_test")) {
				faults = append(faults, fmt.Sprintf("%s: name the file after the noun in it", where))
			}
			if file.Lines > MaxLines && !file.Generated {
				faults = append(faults, fmt.Sprintf("%s has %d lines, more than %d: it holds two nouns", where, file.Lines, MaxLines))
			}
		}
	}
	return faults
}

// documented tells whether the package's comment is where a reader looks first:
// doc.go, or main.go of a command or plugin.
func documented(p Package) bool {
	return slices.ContainsFunc(p.Files, func(f File) bool {
		return f.Doc != "" && (f.Name == "doc.go" || f.Name == "main.go")
	})
}

// empty tells whether a name says nothing about what it names.
func empty(name string) bool {
	return slices.Contains([]string{
		"util", "utils", "common", "models", "helper", "helpers", "misc",
	}, name)
}

// rowOf returns the first row whose pattern matches.
func rowOf(table []Row, pkg string) (Row, bool) {
	i := slices.IndexFunc(table, func(r Row) bool { return match(r.Package, pkg) })
	if i < 0 {
		return Row{}, false
	}
	return table[i], true
}

// areSiblings tells whether two packages belong to different folders of a group.
func areSiblings(groups [][]string, a, b string) bool {
	for _, group := range groups {
		partA, partB := part(group, a), part(group, b)
		if partA != "" && partB != "" && partA != partB {
			return true
		}
	}
	return false
}

// part returns the folder of the group that holds the package, "" if none does.
func part(group []string, pkg string) string {
	elements := strings.Split(pkg, "/")
	for _, pattern := range group {
		n := strings.Count(pattern, "/") + 1
		if n <= len(elements) && match(pattern, strings.Join(elements[:n], "/")) {
			return strings.Join(elements[:n], "/")
		}
	}
	return ""
}

func matchAny(patterns []string, from, pkg string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if below, ok := strings.CutPrefix(pattern, "./"); ok {
			return pkg != from && match(from+"/"+below, pkg)
		}
		return match(pattern, pkg)
	})
}

// match compares element by element: "*" is any one, a last "..." any number,
// none included.
func match(pattern, pkg string) bool {
	patterns, elements := strings.Split(pattern, "/"), strings.Split(pkg, "/")
	for i, p := range patterns {
		if p == "..." {
			return true
		}
		if i >= len(elements) || p != "*" && p != elements[i] {
			return false
		}
	}
	return len(patterns) == len(elements)
}

func hasAnyPrefix(prefixes []string, imported string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return imported == prefix || strings.HasPrefix(imported, prefix+"/")
	})
}

// standard tells whether a path is the standard library's: its first element
// has no dot. "C" is not a package to import here, so cgo has no row either.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return imported != "C" && !strings.Contains(first, ".")
}
