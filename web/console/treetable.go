package console

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// lane is one lane of a board.
type lane struct {
	Name, Title, Text string
	Cards             []row
}

// table is rows of cells, with what can be done with each.
func (p *parser) table(n node, from ui.Node, depth int) (node, error) {
	if len(from.Rows) > maxRows {
		return n, p.tooLarge("The plugin's table has more than %d rows; it can page instead.", maxRows)
	}
	if len(from.Actions) > maxButtons {
		return n, p.tooLarge("The plugin's table has more than %d buttons in a row.", maxButtons)
	}
	if err := p.grid(len(from.Columns), len(from.Columns)+len(from.Actions), len(from.Rows)+1); err != nil {
		return n, err
	}
	n.Caption = p.caption
	for _, column := range from.Columns {
		n.Heads = append(n.Heads, p.head(column, from.Sort))
	}
	for _, raw := range from.Rows {
		members, err := p.members(raw)
		if err != nil {
			return n, err
		}
		one := row{Cells: p.row(from.Columns, members)}
		for _, action := range from.Actions {
			if b := p.rowButton(action, members); b != nil {
				one.Buttons = append(one.Buttons, *b)
			}
		}
		n.Rows = append(n.Rows, one)
	}
	p.pages(&n, from)
	return p.orEmpty(n, from, depth)
}

// grid counts the cells of a component. A row of two bytes has as many as there
// are columns.
func (p *parser) grid(columns, wide, rows int) error {
	if p.cells += wide * rows; columns > maxColumns || p.cells > maxCells {
		return p.tooLarge("The plugin's tables have more than %d columns, or more than %d cells together.", maxColumns, maxCells)
	}
	return p.within()
}

// head is a column's head; a click on one that sorts turns the order around.
func (p *parser) head(column ui.Column, order string) head {
	h := head{Label: p.short(column.Label), Kind: column.Format}
	if column.Sort == "" {
		return h
	}
	if asked := p.Query["sort"]; asked != "" {
		order = asked
	}
	sort := cutText(column.Sort, maxText)
	next := sort
	switch order {
	case sort:
		h.Sort, next = "ascending", "-"+sort
	case "-" + sort:
		h.Sort = "descending"
	default:
		h.Sort = "none"
	}
	h.URL = p.here(map[string]string{"sort": next, "cursor": ""})
	return h
}

// members reads a row.
func (p *parser) members(raw json.RawMessage) (map[string]any, error) {
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		return nil, core.E("console.parseTree", core.Internal, "The plugin's page has a row that is not an object.")
	}
	return members, p.within()
}

// row shows the members of an object that the columns pick.
func (p *parser) row(columns []ui.Column, members map[string]any) []cell {
	cells := make([]cell, len(columns))
	for i, column := range columns {
		c := p.value(members[column.Key], column.Format, column.Options)
		if column.Link != "" && c.Text != "" {
			if path := expand(column.Link, members); path != "" {
				c.URL = p.link(path, nil)
			}
		}
		cells[i] = c
	}
	return cells
}

// pages adds the addresses of the next page and, on one that is not the first,
// of that one.
func (p *parser) pages(n *node, from ui.Node) {
	if p.Query["cursor"] != "" {
		n.Prev = p.here(map[string]string{"cursor": ""})
	}
	if from.NextCursor != "" {
		n.Next = p.here(map[string]string{"cursor": from.NextCursor})
	}
}

// detail is one object, as labels and values.
func (p *parser) detail(n node, from ui.Node) (node, error) {
	members, _ := from.Row.(map[string]any)
	if err := p.grid(len(from.Columns), len(from.Columns), 1); err != nil {
		return n, err
	}
	cells := p.row(from.Columns, members)
	for i := range cells {
		cells[i].Label = p.short(from.Columns[i].Label)
	}
	n.Rows = []row{{Cells: cells}}
	return n, nil
}

// board is lanes of cards. A card's first cell is its title.
func (p *parser) board(n node, from ui.Node) (node, error) {
	lanes := slices.DeleteFunc(slices.Clone(from.Children), func(child ui.Node) bool { return child.Type != "lane" })
	if len(lanes) > maxLanes {
		return n, p.tooLarge("The plugin's board has more than %d lanes.", maxLanes)
	}
	cards := 0
	for _, l := range lanes {
		cards += len(l.Rows)
	}
	if cards > maxRows {
		return n, p.tooLarge("The plugin's board has more than %d cards.", maxRows)
	}
	if p.count += len(lanes); p.count > maxNodes {
		return n, p.tooLarge("The plugin's page has more than %d components.", maxNodes)
	}
	// A card has a button for every lane.
	if err := p.grid(len(from.Columns), len(from.Columns)+len(lanes)+2, cards+1); err != nil {
		return n, err
	}
	movable := routePattern.MatchString(placeholder.ReplaceAllString(from.Route, "x"))
	for i, l := range lanes {
		one := lane{Name: p.short(l.Name), Title: p.short(l.Title), Text: p.short(l.Text)}
		for j, raw := range l.Rows {
			members, err := p.members(raw)
			if err != nil {
				return n, err
			}
			card := row{Cells: p.row(from.Columns, members)}
			for k := range card.Cells {
				card.Cells[k].Label = p.short(from.Columns[k].Label)
			}
			if movable {
				p.moving(&card, from.Route, members, lanes, i, j)
			}
			one.Cards = append(one.Cards, card)
		}
		n.Lanes = append(n.Lanes, one)
	}
	return n, nil
}

// moving adds what moves a card: the call for the mouse, and a button for each
// place it can go to.
func (p *parser) moving(card *row, route string, members map[string]any, lanes []ui.Node, lane, position int) {
	method, path, _ := strings.Cut(route, " ")
	id, _ := members["id"].(string)
	base := map[string]any{}
	if !strings.Contains(path, ":id") {
		base["id"] = id
	}
	if path = expand(path, members); path == "" || id == "" || len(id) > maxPath {
		return
	}
	p.calls, p.moves = true, true
	to := func(label, name string, position int) {
		body := map[string]any{"to": name, "position": position}
		for k, v := range base {
			body[k] = v
		}
		does := call{Method: method, Path: path, Body: encode(body)}
		card.Buttons = append(card.Buttons, button{Label: p.short(label), Call: p.call(does)})
	}
	card.Move = p.call(call{Method: method, Path: path, Body: encode(base)})
	for i, other := range lanes {
		if i != lane {
			to("To "+other.Title, other.Name, 0)
		}
	}
	if position > 0 {
		to("Up", lanes[lane].Name, position-1)
	}
	if position < len(lanes[lane].Rows)-1 {
		to("Down", lanes[lane].Name, position+1)
	}
}
