package main

import (
	"strings"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/sdk"
)

// An export is answered in parts, each a whole file with a header that an import
// takes as it is: of at most maxExported contacts and, with exportMargin for the
// last page, maxFile bytes. That keeps a call within its time and its answer.
const (
	maxExported  = 5_000
	exportPage   = 100
	exportMargin = 512 << 10 // more than a page's rows can have
)

// exported are the columns of an export. An import understands the first seven,
// and leaves the others aside.
var exported = []string{
	columnEmail, columnName, columnPhone, columnCompany, columnDomain, columnLifecycle, columnSource, "owner", "created", "last activity",
}

type exportRequest struct {
	Limit  int    `json:"-" query:"limit" carrel:"doc=How many contacts a part has at most, 1 to 5000; 5000 without it."`
	Cursor string `json:"-" query:"cursor" carrel:"doc=The X-Next-Cursor header of the part before."`
}

// exportContacts answers a part of all contacts, the oldest first. Its header
// X-Next-Cursor is there when it is not the last.
func exportContacts(c *sdk.Ctx, in exportRequest) (sdk.Bytes, error) {
	if c.Query("limit") == "" {
		in.Limit = maxExported
	}
	if in.Limit < 1 || in.Limit > maxExported {
		return sdk.Bytes{}, sdk.Violation("query.limit", "must be a whole number from 1 to %d", maxExported)
	}
	var file strings.Builder
	file.WriteString("\ufeff") // spreadsheets take the file for Latin-1 without it
	writeRecord(&file, exported)
	of := map[sdk.ID]Company{}
	for left := in.Limit; ; {
		docs, next, err := contacts.Where("mergedIntoId", nil).Sort("createdAt").Limit(min(left, exportPage)).Cursor(in.Cursor).Docs(c)
		if err != nil {
			return sdk.Bytes{}, err
		}
		for _, doc := range docs {
			company, err := companyOf(c, doc.Body.CompanyID, of)
			if err != nil {
				return sdk.Bytes{}, err
			}
			b := doc.Body
			writeRecord(&file, []string{
				b.Email, b.Name, b.Phone, company.Name, company.Domain, b.Lifecycle, b.Source,
				string(b.OwnerID), doc.CreatedAt.UTC().Format("2006-01-02T15:04:05Z"), b.LastActivityAt,
			})
		}
		left, in.Cursor = left-len(docs), next
		if next == "" || left == 0 || file.Len() > maxFile-exportMargin {
			break
		}
	}
	if in.Cursor != "" {
		c.SetHeader("x-next-cursor", in.Cursor)
	}
	c.SetHeader("content-disposition", `attachment; filename="contacts.csv"`)
	return sdk.Bytes{Type: "text/csv", Content: []byte(file.String())}, nil
}

// companyOf reads a company once.
func companyOf(c *sdk.Ctx, id sdk.ID, known map[sdk.ID]Company) (Company, error) {
	company, ok := known[id]
	if ok || id == "" {
		return company, nil
	}
	doc, err := companies.Get(c, id)
	known[id] = doc.Body
	return doc.Body, err
}

// writeRecord writes a line of a file.
func writeRecord(file *strings.Builder, cells []string) {
	for i, cell := range cells {
		if i > 0 {
			file.WriteByte(',')
		}
		cell = defuse(cell)
		if strings.ContainsAny(cell, "\",;\t\r\n") || strings.TrimSpace(cell) != cell {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		file.WriteString(cell)
	}
	file.WriteString("\r\n")
}

// A spreadsheet takes a cell that begins with one of these for a formula, and a
// formula can send the other cells somewhere. The wide ones are what an East Asian
// one takes for the others.
const formulaSigns = "=+-@\t\r\n＝＋－＠"

// defuse puts an apostrophe before a cell that would be a formula, which makes
// it text. One that begins with apostrophes and then such a sign gets one more,
// so that charge, which an import does, takes off what was put there.
func defuse(cell string) string {
	if isFormula(strings.TrimLeft(cell, "'")) {
		return "'" + cell
	}
	return cell
}

// charge undoes defuse.
func charge(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && isFormula(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return cell
}

func isFormula(cell string) bool {
	first, _ := utf8.DecodeRuneInString(cell)
	return cell != "" && strings.ContainsRune(formulaSigns, first)
}
