package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// row is what a record says about a contact. An empty member says nothing.
type row struct {
	Email, Name, Phone, Company, Domain, Lifecycle, Source string
}

// rowError is why a row was not imported: a sentence for the person who wrote
// the file.
type rowError string

func (e rowError) Error() string { return string(e) }

var lifecycles = []string{"lead", "prospect", "customer", "churned"}

// readRow reads a record by the header's columns. Its error is a rowError.
func readRow(d dialect, r record, columns []string) (row, error) {
	fields, fault := d.fields(r)
	if fault != "" {
		return row{}, rowError(fault)
	}
	if len(fields) != len(columns) {
		return row{}, rowError(fmt.Sprintf("the row has %d columns and the header has %d", len(fields), len(columns)))
	}
	at := map[string]string{}
	for i, column := range columns {
		at[column] = charge(strings.TrimSpace(fields[i]))
	}
	one := row{
		Email:     normalizeEmail(at[columnEmail]),
		Name:      at[columnName],
		Phone:     at[columnPhone],
		Company:   at[columnCompany],
		Domain:    normalizeDomain(at[columnDomain]),
		Lifecycle: strings.ToLower(at[columnLifecycle]),
		Source:    at[columnSource],
	}
	if one.Name == "" {
		one.Name = strings.TrimSpace(at[columnFirstName] + " " + at[columnLastName])
	}
	if one.Company == "" {
		one.Company = one.Domain
	}
	return one, one.check()
}

// check holds a row against the rules of the contacts table, in words that name
// the column.
func (r row) check() error {
	switch {
	case r.Email == "":
		return rowError("the email is missing")
	case !isEmail(r.Email):
		return rowError(fmt.Sprintf("the email %q is not a valid address", shorten(r.Email)))
	case r.Lifecycle != "" && !slices.Contains(lifecycles, r.Lifecycle):
		return rowError(fmt.Sprintf("the lifecycle %q is none of %s", shorten(r.Lifecycle), strings.Join(lifecycles, ", ")))
	}
	for _, one := range []struct {
		name, value string
		max         int
	}{{"name", r.Name, 200}, {"phone", r.Phone, 40}, {"company", r.Company, 200}, {"domain", r.Domain, 253}, {"source", r.Source, 80}} {
		if n := utf8.RuneCountInString(one.value); n > one.max {
			return rowError(fmt.Sprintf("the %s has %d characters; at most %d are allowed", one.name, n, one.max))
		}
	}
	return nil
}

// isEmail reports whether an address looks like one people have: the host's own
// check allows a little more, such as quoted names.
func isEmail(address string) bool {
	name, domain, ok := strings.Cut(address, "@")
	if !ok || name == "" || len(name) > 64 || len(address) > 254 {
		return false
	}
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return false
	}
	for _, c := range name {
		if c <= ' ' || c == 0x7f || strings.ContainsRune(`()<>[]:;@\,"`, c) {
			return false
		}
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, c := range label {
			if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && c < 0x80 {
				return false
			}
		}
	}
	return len(labels) > 1
}

// shorten cuts a value that is quoted in a message.
func shorten(value string) string {
	if runes := []rune(value); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return value
}
