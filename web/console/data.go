package console

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Bounds of the list of a table's documents.
const (
	maxColumnsShown = 5
	maxCellShown    = 80 // characters; the rest is on the document's own page
)

// tables lists what an installation keeps.
func (c *Console) tables(v *visit) error {
	in, tables, err := c.Installations.Tables(v.UserContext(), v.ws.ID, v.actor, param(v.Ctx, "plugin"))
	if err != nil {
		return err
	}
	f := v.frame("Data", v.above(in.Title, "/installations/"+in.Alias))
	return render(v.Ctx, tablesPage(f, tablesView{in.Alias, tables}))
}

// documents lists a table.
func (c *Console) documents(v *visit) error {
	cursor := strings.Clone(v.Query("cursor"))
	found, err := c.Installations.Documents(v.UserContext(), v.ws.ID, v.actor, param(v.Ctx, "plugin"),
		param(v.Ctx, "table"), cursor)
	if err != nil {
		return err
	}
	view := documentsView{Browsed: found}
	for _, field := range found.Table.Fields {
		if len(view.Columns) < maxColumnsShown && field.Type != abi.TypeText && field.Type != abi.TypeJSON && field.Type != abi.TypeObject {
			view.Columns = append(view.Columns, field)
		}
	}
	for _, doc := range found.Documents {
		values, err := valuesOf(doc)
		if err != nil {
			return err
		}
		row := documentRow{Document: doc}
		for _, column := range view.Columns {
			text, _ := c.text(v, column, values[column.Name])
			if utf8.RuneCountInString(text) > maxCellShown {
				text = string([]rune(text)[:maxCellShown]) + "…"
			}
			row.Cells = append(row.Cells, text)
		}
		if row.Title = string(doc.ID); len(row.Cells) > 0 && row.Cells[0] != "" {
			row.Title = row.Cells[0]
		}
		view.Rows = append(view.Rows, row)
	}
	here := Prefix + "/w/" + v.ws.Slug + "/installations/" + found.Installed.Alias + "/data/" + found.Table.Name
	if cursor != "" {
		view.First = here
	}
	if found.Next != "" {
		view.Next = here + "?" + url.Values{"cursor": {found.Next}}.Encode()
	}
	return render(v.Ctx,
		documentsPage(c.tableFrame(v, spaced(found.Table.Name), found.Installed.Title, found.Installed.Alias), view))
}

func (c *Console) tableFrame(v *visit, title, plugin, alias string, above ...navLink) frame {
	trail := []navLink{v.above(plugin, "/installations/"+alias), v.above("Data", "/installations/"+alias+"/data")}
	return v.frame(title, append(trail, above...)...)
}

// document shows all of one, but for what is secret.
func (c *Console) document(v *visit) error {
	found, err := c.Installations.Document(v.UserContext(), v.ws.ID, v.actor,
		param(v.Ctx, "plugin"), param(v.Ctx, "table"), core.DocumentID(param(v.Ctx, "id")))
	if err != nil {
		return err
	}
	view := documentView{Browsed: found, Doc: found.Documents[0]}
	values, err := valuesOf(view.Doc)
	if err != nil {
		return err
	}
	alias, title := found.Installed.Alias, ""
	for _, field := range found.Table.Fields {
		value := documentValue{Field: field}
		value.Text, value.Long = c.text(v, field, values[field.Name])
		if title == "" && !value.Long && field.Ref == "" {
			title = value.Text
		}
		if field.Ref != "" && core.ValidID("doc_", value.Text) {
			value.Link = "/installations/" + alias + "/data/" + field.Ref + "/" + value.Text
		}
		view.Values = append(view.Values, value)
	}
	if title == "" {
		title = "Document"
	}
	f := c.tableFrame(v, title, found.Installed.Title, alias,
		v.above(spaced(found.Table.Name), "/installations/"+alias+"/data/"+found.Table.Name))
	return render(v.Ctx, documentPage(f, view))
}

func valuesOf(doc core.Document) (values map[string]json.RawMessage, err error) {
	err = json.Unmarshal(doc.Body, &values)
	return values, core.Wrap("console.valuesOf", core.Internal, err)
}

// text is a field's value as a person reads it, and whether it needs lines of its
// own.
func (c *Console) text(v *visit, field abi.Field, raw json.RawMessage) (text string, long bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", false
	}
	switch field.Type {
	case abi.TypeJSON, abi.TypeObject, abi.TypeArray:
		return indented(raw), true
	case abi.TypeMoney:
		var m core.Money
		if json.Unmarshal(raw, &m) == nil {
			return money(m), false
		}
	case abi.TypeTime:
		var t time.Time
		if json.Unmarshal(raw, &t) == nil {
			return t.In(zoneOf(v.ws)).Format("2 Jan 2006, 15:04:05"), false
		}
	}
	text = textOf(raw)
	return text, strings.Contains(text, "\n")
}

// documentsWords says how many documents there are.
func documentsWords(n int, capped bool) string {
	switch {
	case capped:
		return number(int64(n)) + " documents or more"
	case n == 1:
		return "1 document"
	default:
		return number(int64(n)) + " documents"
	}
}
