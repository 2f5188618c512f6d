package main

import (
	"encoding/json"
	"slices"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// payloads run, load or lead away, if a browser takes them for more than text.
// Each tells the test: by window.owned, or by a request for /owned.
var payloads = []string{
	`<script>window.owned=1</script>`,
	`"><img src=/owned onerror="window.owned=1">`,
	`' onmouseover='window.owned=1' autofocus onfocus='window.owned=1' x='`,
	`javascript:window.owned=1`,
	`JaVa	ScRiPt:window.owned=1//`,
	`data:text/html,<script>window.owned=1</script>`,
	`</title></textarea></select></option></style></svg><svg onload="window.owned=1"><script>window.owned=1</script></svg>`,
	`--><iframe srcdoc="<script>parent.owned=1</script>" src="/owned"></iframe>`,
	`<style>@import "/owned"; * { background: url(/owned) }</style><link rel=stylesheet href=/owned><base href="/owned/">`,
	`<meta http-equiv=refresh content="0;url=/owned"><form action=/owned id=calls><input name=-call></form>`,
	`<div hx-get="/owned" hx-trigger="load" data-live="/owned"></div>`,
	`//owned.example.com/owned`,
	`https://owned.example.com/owned`,
	`/../../../owned`,
	`{"method":"POST","path":"/../../plan","body":{}}`,
	`![x](/owned) [x](javascript:window.owned=1) <img src=/owned> <https://owned.example.com>`,
}

// wall is every component, with each payload in each of its members. Members
// with few valid values have a good one beside the bad ones, so that a refused
// component hides nothing.
func wall(c *sdk.Ctx) (ui.Tree, error) {
	var nodes []ui.Node
	if id := c.Param("id"); id != "" {
		nodes = append(nodes, ui.Text(id), ui.Text(c.Query("q")))
	}
	for _, payload := range payloads {
		nodes = append(nodes, poster(payload)...)
	}
	return ui.Page(payloads[0], nodes...), nil
}

func poster(payload string) []ui.Node {
	row, err := json.Marshal(map[string]any{
		"id": payload, "text": payload,
		"money": map[string]any{"amount": payload, "currency": payload}, "list": []string{payload}, "any": map[string]string{payload: payload},
	})
	if err != nil {
		panic(err) // strings have a JSON
	}
	good, err := json.Marshal(map[string]any{"id": "doc_1", "text": payload})
	if err != nil {
		panic(err)
	}
	rows := []json.RawMessage{row, good}
	options := []ui.Option{{Value: payload, Label: payload, Tone: ui.Tone(payload)}, {Value: "good", Label: payload, Tone: ui.Good}}
	var columns []ui.Column
	for _, format := range []ui.Format{"", ui.Long, ui.Email, ui.Number, ui.Date, ui.Time, ui.Relative, ui.Bool, ui.Badge, ui.List, ui.Format(payload)} {
		columns = append(columns, ui.Column{Key: "text", Label: payload, Format: format})
	}
	columns = append(columns,
		ui.Column{Key: "text", Label: payload, Format: ui.Badge, Options: options, Link: payload, Sort: payload},
		ui.Column{Key: "text", Label: payload, Link: "/wall/:id"},
		ui.Column{Key: "money", Label: payload, Format: ui.Money}, ui.Column{Key: "list", Label: payload, Format: ui.List},
		ui.Column{Key: "any", Label: payload})
	var inputs []ui.Input
	for _, format := range []ui.Format{"", ui.Long, ui.Email, ui.Number, ui.Money, ui.Date, ui.Time, ui.Bool, ui.List, ui.Hidden, ui.Format(payload)} {
		name := "in_" + string(rune('a'+len(inputs)))
		inputs = append(inputs,
			ui.Input{Name: name, Label: payload, Format: format, Value: payload, Help: payload},
			ui.Input{Name: name + "2", Label: payload, Format: format, Options: options, Value: payload, Help: payload})
	}
	inputs = append(inputs, ui.Input{Name: "line", Label: payload, Value: payload, Help: payload})
	empty := ui.Empty(payload, payload)
	upload := ui.Upload(payload, payload, "/refuse", payload)
	upload.Accept, upload.Button, upload.Check = payload, payload, ui.Check{Name: "check", Label: payload}
	lame := ui.Upload(payload, payload, payload, payload)
	form := ui.Form(payload, "POST /refuse", payload, inputs...)
	form.Text, form.Button = payload, payload
	filter := ui.Filter(inputs...)
	filter.Button = payload
	button := ui.Button(payload, "POST /refuse").With(payload, payload).Asking(payload).After(payload)
	labels := []string{payload, "b"}
	series := ui.Series{Name: payload, Values: []float64{1, -2}}
	section := ui.Section(payload, ui.Text(payload), ui.Markdown(payload), empty, ui.Mark(payload, ui.Tone(payload)),
		ui.Stats(ui.Stat(payload, payload), ui.Figure(payload, payload, ui.Money)),
		ui.Actions(button, ui.Link(payload, payload), ui.Link(payload, "/wall").With(payload, payload), ui.Button(payload, "POST "+payload)),
	)
	return []ui.Node{
		section, filter,
		ui.Table(columns, rows, payload).SortedBy(payload).
			Each(button, ui.Button(payload, "POST /:id").Only(payload, payload), ui.Button(payload, payload)),
		ui.Table(columns, nil, payload).Or(empty),
		ui.Detail(columns, row), form, ui.Form(payload, payload, payload), upload, lame, ui.Link(payload, payload),
		ui.Tabs(payload, ui.Tab(payload, payload, ui.Text(payload)), ui.Tab("b", payload)),
		ui.Timeline([]ui.Entry{{Icon: payload, Title: payload, Text: payload, Path: payload}}, payload),
		ui.Bars(payload, labels, series).In(payload), ui.Lines(payload, labels, series), ui.Funnel(payload, labels, series),
		ui.Board(columns, "POST /refuse", ui.Lane(payload, payload, rows), ui.Lane("b", payload, slices.Clone(rows))),
		{Type: payload, Fallback: payload, Children: []ui.Node{ui.Text(payload)}},
	}
}

// names has a payload for the name of an input.
func names(c *sdk.Ctx) (ui.Tree, error) {
	return ui.Page("Names", ui.Form("Names", "POST /refuse", "", ui.Input{Name: payloads[1], Label: "x"})), nil
}
