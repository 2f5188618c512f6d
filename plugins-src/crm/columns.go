package main

import (
	"fmt"
	"strings"
)

// The columns an import understands.
const (
	columnEmail     = "email"
	columnName      = "name"
	columnFirstName = "firstName"
	columnLastName  = "lastName"
	columnPhone     = "phone"
	columnCompany   = "company"
	columnDomain    = "domain"
	columnLifecycle = "lifecycle"
	columnSource    = "source"
)

// headings are the names spreadsheets give them, in lower case with single
// spaces.
var headings = map[string]string{
	"email": columnEmail, "e mail": columnEmail, "mail": columnEmail, "email address": columnEmail, "e mail address": columnEmail,
	"name": columnName, "full name": columnName, "fullname": columnName, "contact": columnName, "contact name": columnName, "display name": columnName,
	"first name": columnFirstName, "firstname": columnFirstName, "given name": columnFirstName, "forename": columnFirstName,
	"last name": columnLastName, "lastname": columnLastName, "surname": columnLastName, "family name": columnLastName,
	"phone": columnPhone, "phone number": columnPhone, "telephone": columnPhone, "tel": columnPhone, "mobile": columnPhone, "mobile phone": columnPhone, "cell": columnPhone,
	"company": columnCompany, "company name": columnCompany, "organization": columnCompany, "organisation": columnCompany, "account": columnCompany, "employer": columnCompany,
	"domain": columnDomain, "company domain": columnDomain, "website": columnDomain, "web site": columnDomain, "company website": columnDomain,
	"lifecycle": columnLifecycle, "lifecycle stage": columnLifecycle, "stage": columnLifecycle, "status": columnLifecycle,
	"source": columnSource, "lead source": columnSource,
}

// readHeader says what each column holds: one of the columns above, or "" for
// one to be ignored. The problem says why the file cannot be imported.
func readHeader(d dialect, header record) (columns, ignored []string, problem string) {
	names, fault := d.fields(header)
	if fault != "" {
		return nil, nil, "the header cannot be read: " + fault
	}
	at := map[string]string{}
	for _, name := range names {
		name = strings.TrimSpace(name)
		column := headings[normalizeHeading(name)]
		if column == "" {
			ignored = append(ignored, name)
		} else if other, taken := at[column]; taken {
			return nil, nil, fmt.Sprintf("the columns %q and %q both hold the %s; remove one of them", other, name, column)
		}
		at[column] = name
		columns = append(columns, column)
	}
	if _, ok := at[columnEmail]; !ok {
		return nil, nil, "the first line must name the columns, and one of them email; it names " + strings.Join(names, ", ")
	}
	return columns, ignored, ""
}

func normalizeHeading(name string) string {
	name = strings.NewReplacer("_", " ", "-", " ", ".", " ").Replace(strings.ToLower(name))
	return strings.Join(strings.Fields(name), " ")
}
