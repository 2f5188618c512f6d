package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// attackTest is what the tests of docs/threat-model.md are called: the number
// of the attack or fault, then what holds.
var attackTest = regexp.MustCompile(`\bTest(Attack|Fault)[0-9]{2}_\w+`)

// CheckThreatModel compares the tests that the threat model names with those
// that exist, both ways: a promise nobody tests and a test nobody promised.
func CheckThreatModel(document string, packages []Package) []string {
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
			faults = append(faults, fmt.Sprintf("%s in %s is missing in docs/threat-model.md: add it to the line of %s",
				name, exist[name], strings.TrimPrefix(name[:strings.Index(name, "_")], "Test")))
		}
	}
	return faults
}
