package main

import (
	"errors"
	"strings"

	"github.com/carrel-dev/carrel/sdk"
)

// outcome is what a row did.
type outcome int

const (
	unchanged outcome = iota
	created
	updated
)

// known is a contact as an import sees it.
type known struct {
	ID                                      sdk.ID
	Name, Phone, Company, Lifecycle, Source string // Company is its id
}

// ledger is where an import finds contacts and puts them: the workspace's own,
// or a dry run's notes.
type ledger interface {
	find(c *sdk.Ctx, email string) (known, bool, error)
	admit(c *sdk.Ctx) error // makes room for one more contact, or fails with quota_exceeded
	create(c *sdk.Ctx, email string, as known) error
	update(c *sdk.Ctx, email string, id sdk.ID, to known, changes map[string]any) error
	company(c *sdk.Ctx, name, domain string) (id string, err error)
}

// upsert creates the row's contact, or changes what the row says differently.
// What a row leaves empty stays as it is. A row is refused before it has written
// anything: the unit of work goes on with the next one.
func upsert(c *sdk.Ctx, l ledger, one row) (outcome, error) {
	contact, found, err := l.find(c, one.Email)
	if err != nil {
		return unchanged, err
	}
	if !found {
		if one.Name == "" {
			return unchanged, rowError("the name is missing, and there is no contact with this address yet")
		}
		if err := l.admit(c); err != nil {
			return unchanged, err
		}
	}
	company := ""
	if one.Company != "" {
		if company, err = l.company(c, one.Company, one.Domain); err != nil {
			return unchanged, err
		}
	}
	changes := map[string]any{}
	for _, field := range []struct {
		name   string
		is     *string
		wanted string
	}{
		{"name", &contact.Name, one.Name},
		{"phone", &contact.Phone, one.Phone},
		{"companyId", &contact.Company, company},
		{"lifecycle", &contact.Lifecycle, one.Lifecycle},
		{"source", &contact.Source, one.Source},
	} {
		if field.wanted != "" && field.wanted != *field.is {
			*field.is = field.wanted
			changes[field.name] = field.wanted
		}
	}
	switch {
	case !found:
		return created, l.create(c, one.Email, contact)
	case len(changes) > 0:
		return updated, l.update(c, one.Email, contact.ID, contact, changes)
	default:
		return unchanged, nil
	}
}

// live is the workspace's contacts.
type live struct{}

func (live) find(c *sdk.Ctx, email string) (known, bool, error) {
	doc, found, err := contacts.By(c, "email", email)
	if err == nil && found {
		doc, err = present(c, doc)
	}
	b := doc.Body
	return known{doc.ID, b.Name, b.Phone, string(b.CompanyID), b.Lifecycle, b.Source}, found, err
}

func (live) admit(c *sdk.Ctx) error { return c.Record(contactMeter, 1) }

func (live) create(c *sdk.Ctx, email string, as known) error {
	if as.Source == "" {
		as.Source = "import"
	}
	_, err := addContact(c, Contact{
		Email: email, Name: as.Name, Phone: as.Phone, CompanyID: sdk.ID(as.Company), Lifecycle: as.Lifecycle, Source: as.Source,
	})
	if sdk.IsInvalid(err) { // it was counted, and the unit goes on
		return errors.Join(err, c.Record(contactMeter, -1))
	}
	return err
}

func (live) update(c *sdk.Ctx, _ string, id sdk.ID, _ known, changes map[string]any) error {
	_, err := contacts.Patch(c, id, changes)
	return err
}

// company finds the row's company, or adds it.
func (live) company(c *sdk.Ctx, name, domain string) (string, error) {
	doc, found, err := findCompany(c, name, domain)
	if err != nil {
		return "", err
	}
	if !found {
		added, err := companies.Add(c, Company{Name: name, Domain: domain})
		if err != nil {
			return "", err
		}
		id, err := added.ID()
		return string(id), err
	}
	if domain != "" && doc.Body.Domain == "" {
		_, err = companies.Patch(c, doc.ID, map[string]any{"domain": domain})
	}
	return string(doc.ID), err
}

// findCompany looks for a company by its domain, then by its name. One of that
// name with another domain is another company.
func findCompany(c *sdk.Ctx, name, domain string) (doc sdk.Doc[Company], found bool, err error) {
	if domain != "" {
		if doc, found, err = companies.By(c, "domain", domain); found || err != nil {
			return doc, found, err
		}
	}
	candidates, _, err := companies.Where("name", name).Docs(c)
	if err != nil {
		return doc, false, err
	}
	for _, candidate := range candidates {
		if domain == "" || candidate.Body.Domain == "" {
			return candidate, true, nil
		}
	}
	return doc, false, nil
}

// ImportPreview is a contact as a dry run would leave it, so that a row that
// comes twice in the file is reported as what it would be.
type ImportPreview struct {
	ImportID  sdk.ID `json:"importId" carrel:"required,ref=imports,on_delete=cascade"`
	Email     string `json:"email" carrel:"email,required,max=254"`
	Name      string `json:"name" carrel:"max=200"`
	Phone     string `json:"phone" carrel:"max=40"`
	Company   string `json:"company" carrel:"max=300"`
	Lifecycle string `json:"lifecycle" carrel:"max=40"`
	Source    string `json:"source" carrel:"max=80"`
}

var importPreviews = sdk.Table[ImportPreview]("import_previews", "What a dry run found, while it runs", sdk.Unique("importId", "email"))

// dryRun notes what would be done and does nothing.
type dryRun struct {
	importID sdk.ID
	created  *int
}

func (d dryRun) noted(c *sdk.Ctx, email string) (sdk.Doc[ImportPreview], bool, error) {
	return importPreviews.Where("importId", d.importID).Where("email", email).First(c)
}

func (d dryRun) find(c *sdk.Ctx, email string) (known, bool, error) {
	doc, found, err := d.noted(c, email)
	if err != nil || !found {
		if err == nil {
			return live{}.find(c, email)
		}
		return known{}, false, err
	}
	b := doc.Body
	return known{doc.ID, b.Name, b.Phone, b.Company, b.Lifecycle, b.Source}, true, nil
}

func (d dryRun) admit(c *sdk.Ctx) error {
	plan, err := c.Entitled(contactMeter, int64(*d.created)+1)
	if err == nil && !plan.Entitled {
		err = overQuota
	}
	return err
}

func (d dryRun) create(c *sdk.Ctx, email string, as known) error {
	if as.Lifecycle == "" {
		as.Lifecycle = "lead"
	}
	if as.Source == "" {
		as.Source = "import"
	}
	return d.note(c, email, as)
}

func (d dryRun) update(c *sdk.Ctx, email string, _ sdk.ID, to known, _ map[string]any) error {
	return d.note(c, email, to)
}

func (d dryRun) note(c *sdk.Ctx, email string, as known) error {
	body := ImportPreview{d.importID, email, as.Name, as.Phone, as.Company, as.Lifecycle, as.Source}
	doc, found, err := d.noted(c, email)
	switch {
	case err != nil:
		return err
	case found:
		_, err = importPreviews.Replace(c, doc.ID, body)
	default:
		_, err = importPreviews.Add(c, body)
	}
	return err
}

// company finds the row's company, or makes up an id for the one that would be
// added.
func (dryRun) company(c *sdk.Ctx, name, domain string) (string, error) {
	doc, found, err := findCompany(c, name, domain)
	if err != nil || found {
		return string(doc.ID), err
	}
	return "new " + strings.ToLower(name), nil
}

// tidyJob deletes a finished dry run's notes, a few at a time.
const tidyJob = "import-tidy"

func tidy(c *sdk.Ctx, in batchPayload) error {
	notes, next, err := importPreviews.Where("importId", in.ImportID).Limit(100).Docs(c)
	if err != nil {
		return err
	}
	for _, note := range notes {
		if err := importPreviews.Delete(c, note.ID); err != nil {
			return err
		}
	}
	if next != "" {
		_, err = c.Schedule(tidyJob, in, 0)
	}
	return err
}
