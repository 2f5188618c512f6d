package rules

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A line of the threat model's tables: its letter and number, what is between,
// and the tests in the last column.
var attackLine = regexp.MustCompile(`(?m)^\| ([AF])([0-9]{2}) \|(.*)\|([^|\n]*)\|$`)

// attackTest is what the tests of docs/threat-model.md are called: the number
// of the attack or fault, then what holds.
var attackTest = regexp.MustCompile(`\b(?:Test|Fuzz)(Attack|Fault)([0-9]{2})_\w+`)

// CheckThreatModel compares the tests that the threat model names with those
// that exist, both ways: a promise nobody tests and a test nobody promised.
func CheckThreatModel(document string, packages []Package) []string {
	exist := attackTests(packages)
	var faults []string
	listed := map[string]bool{}
	for _, name := range attackTest.FindAllString(document, -1) {
		listed[name] = true
		if _, ok := exist[name]; !ok {
			faults = append(faults, fmt.Sprintf("docs/threat-model.md names %s, which is no test: write it, or take the promise back", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(exist)) {
		if !listed[name] {
			faults = append(faults, fmt.Sprintf("%s in %s is missing in docs/threat-model.md: `go test ./internal/rules -update` adds it", name, exist[name]))
		}
	}
	return faults
}

// FillThreatModel returns the document with the last column of its tables
// naming the tests that exist, by package.
func FillThreatModel(document string, packages []Package) string {
	exist := attackTests(packages)
	letters := map[string]string{"Attack": "A", "Fault": "F"}
	return attackLine.ReplaceAllStringFunc(document, func(line string) string {
		cells := attackLine.FindStringSubmatch(line)
		letter, number, middle := cells[1], cells[2], cells[3]
		var tests []string
		folder := ""
		for _, name := range slices.SortedFunc(maps.Keys(exist), func(a, b string) int {
			return cmp.Or(strings.Compare(exist[a], exist[b]), strings.Compare(a, b))
		}) {
			if of := attackTest.FindStringSubmatch(name); letters[of[1]] != letter || of[2] != number {
				continue
			}
			if exist[name] != folder {
				folder = exist[name]
				tests = append(tests, folder+":")
			}
			tests = append(tests, "`"+name+"`")
		}
		return strings.TrimRight(fmt.Sprintf("| %s%s |%s| %s", letter, number, middle, strings.Join(tests, " ")), " ") + " |"
	})
}

// attackTests returns the packages of the attack tests by name.
func attackTests(packages []Package) map[string]string {
	exist := map[string]string{}
	for _, p := range packages {
		for _, file := range p.Files {
			for _, name := range file.Tests {
				if attackTest.MatchString(name) {
					exist[name] = p.Path
				}
			}
		}
	}
	return exist
}
