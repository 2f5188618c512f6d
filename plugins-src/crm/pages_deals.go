package main

import (
	"strconv"
	"time"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// What a board shows: the console's bounds are 12 lanes and 500 cards.
const (
	maxLanes = 12
	maxCards = 40 // of a lane
)

// card is a deal as pages show it, with its money in one.
type card struct {
	ID              sdk.ID     `json:"id"`
	Title           string     `json:"title"`
	Value           *sdk.Money `json:"value,omitempty"`
	Status          string     `json:"status"`
	ContactID       sdk.ID     `json:"contactId,omitempty"`
	ExpectedCloseAt string     `json:"expectedCloseAt,omitempty"`
	ClosedAt        string     `json:"closedAt,omitempty"`
	LostReason      string     `json:"lostReason,omitempty"`
	Stage           string     `json:"stage,omitempty"`
}

func cardOf(doc sdk.Doc[Deal]) card {
	one := card{
		ID: doc.ID, Title: doc.Body.Title, Status: doc.Body.Status, ContactID: doc.Body.ContactID,
		ExpectedCloseAt: doc.Body.ExpectedCloseAt, ClosedAt: doc.Body.ClosedAt, LostReason: doc.Body.LostReason,
	}
	if doc.Body.Currency != "" {
		one.Value = &sdk.Money{Amount: doc.Body.Amount, Currency: doc.Body.Currency}
	}
	return one
}

func cardsOf(docs []sdk.Doc[Deal]) []card {
	cards := make([]card, len(docs))
	for i, doc := range docs {
		cards[i] = cardOf(doc)
	}
	return cards
}

// boardPage shows a pipeline: a lane for each stage, the deals that are open, or
// have come to the stage's end. Moving a card moves the deal.
func boardPage(c *sdk.Ctx) (ui.Tree, error) {
	pipeline, err := chosenPipeline(c)
	if err != nil {
		return ui.Tree{}, err
	}
	ofPipelines, err := choices(c, pipelines.All().Sort("name"), func(p Pipeline) string { return p.Name })
	if err != nil {
		return ui.Tree{}, err
	}
	var lanes []ui.Node
	for _, stage := range pipeline.Body.Stages[:min(len(pipeline.Body.Stages), maxLanes)] {
		lane, err := laneOf(c, column{pipeline.ID, stage})
		if err != nil {
			return ui.Tree{}, err
		}
		lanes = append(lanes, lane)
	}
	tree := ui.Page("Deals")
	if len(ofPipelines) > 1 {
		tree.Children = append(tree.Children, ui.Filter(ui.Input{Name: "pipeline", Label: "Pipeline", Options: ofPipelines}))
	}
	tree.Children = append(tree.Children, ui.Board([]ui.Column{
		{Key: "title", Label: "Deal", Link: "/deals/:id"},
		{Key: "value", Label: "Value", Format: ui.Money},
		{Key: "expectedCloseAt", Label: "Expected", Format: ui.Time},
	}, "POST /deals/:id/move", lanes...))
	if len(pipeline.Body.Stages) > maxLanes {
		tree.Children = append(tree.Children,
			ui.Text("The pipeline has more stages than a board can show: these are the first "+strconv.Itoa(maxLanes)+"."))
	}
	ofContacts, err := choices(c, contacts.Where("mergedIntoId", nil).Sort("-lastActivityAt"), func(one Contact) string { return one.Name })
	if err != nil {
		return ui.Tree{}, err
	}
	contact := ui.Input{Name: "contactId", Label: "Contact", Options: ofContacts}
	if len(ofContacts) == maxChoices {
		contact.Help = "These are the ones something happened with last. A deal of anybody else is added on their page."
	}
	inputs := append(dealInputs(c, DealTerms{}), contact, ui.Along("pipelineId", pipeline.ID))
	tree.Children = append(tree.Children, ui.Form("New deal", "POST /deals", "", inputs...))
	return tree, nil
}

// chosenPipeline is the pipeline a page is asked for, or the default one.
func chosenPipeline(c *sdk.Ctx) (sdk.Doc[Pipeline], error) {
	if id := c.Query("pipeline"); id != "" {
		return pipelines.Get(c, sdk.ID(id))
	}
	return pipelineFor(c, "")
}

func laneOf(c *sdk.Ctx, of column) (ui.Node, error) {
	docs, next, err := of.shown().Sort("position").Limit(maxCards).Docs(c)
	if err != nil {
		return ui.Node{}, err
	}
	rows, err := ui.Rows(cardsOf(docs))
	if err != nil {
		return ui.Node{}, err
	}
	lane := ui.Lane(of.stage.Key, of.stage.Name, rows)
	lane.Text = strconv.Itoa(len(rows))
	if next == "" {
		return lane, nil
	}
	count, capped, err := of.shown().Count(c)
	lane.Text = strconv.Itoa(len(rows)) + " of " + strconv.Itoa(count)
	if capped {
		lane.Text += " or more"
	}
	return lane, err
}

// dealInputs ask for the terms of a deal that has these.
func dealInputs(c *sdk.Ctx, now DealTerms) []ui.Input {
	return []ui.Input{
		{Name: "title", Label: "Title", Required: true, Max: 200},
		{Name: "value", Label: "Value", Format: ui.Money, Options: including(currencyOptions, now.Currency, now.Currency)},
		{Name: "expectedCloseAt", Label: "Expected to close", Format: ui.Time},
		{Name: "ownerId", Label: "Owner", Options: including(mine(c), string(now.OwnerID), "Somebody else")},
	}
}

// dealPage shows a deal and what happened with it.
func dealPage(c *sdk.Ctx) (ui.Tree, error) {
	deal, err := deals.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return ui.Tree{}, err
	}
	pipeline, err := pipelines.Get(c, deal.Body.PipelineID)
	if err != nil {
		return ui.Tree{}, err
	}
	shown := cardOf(deal)
	if stage, err := pipeline.Body.stage(deal.Body.StageKey, ""); err == nil {
		shown.Stage = stage.Name
	}
	at := "/deals/" + string(deal.ID)
	tree := ui.Page(deal.Body.Title, ui.Detail([]ui.Column{
		{Key: "value", Label: "Value", Format: ui.Money},
		{Key: "stage", Label: "Stage"},
		{Key: "status", Label: "Status", Format: ui.Badge, Options: statusOptions},
		{Key: "expectedCloseAt", Label: "Expected", Format: ui.Time},
		{Key: "closedAt", Label: "Over since", Format: ui.Time},
		{Key: "lostReason", Label: "Lost because"},
	}, shown))
	buttons := ui.Actions(ui.Button("Delete", "DELETE "+at).Asking("Delete this deal?").After("/deals"))
	if deal.Body.ContactID != "" {
		buttons.Children = append([]ui.Node{ui.Link("Contact", "/contacts/"+string(deal.Body.ContactID))}, buttons.Children...)
	}
	if deal.Body.Status != "won" {
		buttons.Children = append([]ui.Node{ui.Button("Won", "POST "+at+"/win")}, buttons.Children...)
	}
	tree.Children = append(tree.Children, buttons)
	notes, err := notesOf(c, deal)
	if err != nil {
		return tree, err
	}
	tree.Children = append(tree.Children, notes...)
	if deal.Body.Status != "lost" {
		lose := ui.Form("It came to nothing", "POST "+at+"/lose", "", ui.Input{Name: "reason", Label: "Why", Max: 500})
		lose.Button = "Lost"
		tree.Children = append(tree.Children, lose)
	}
	tree.Children = append(tree.Children, ui.Form("Edit", "PATCH "+at, "", dealInputs(c, deal.Body.DealTerms)...).Fill(struct {
		card
		OwnerID sdk.ID `json:"ownerId,omitempty"`
	}{shown, deal.Body.OwnerID}))
	return tree, nil
}

// notesOf shows a deal's activities, to those who may see what happens with
// contacts.
func notesOf(c *sdk.Ctx, deal sdk.Doc[Deal]) ([]ui.Node, error) {
	allowed, err := c.Allowed(readContacts)
	if err != nil || !allowed {
		return nil, err
	}
	docs, next, err := activities.Where("dealId", deal.ID).Sort("-occurredAt").Limit(50).Cursor(c.Query("cursor")).Docs(c)
	if err != nil {
		return nil, err
	}
	entries := make([]ui.Entry, len(docs))
	for i, doc := range docs {
		entries[i] = noted(doc.Body.Type, doc.Body.Body, doc.Body.SourceEventID != "")
		if entries[i].Time, err = time.Parse(time.RFC3339, doc.Body.OccurredAt); err != nil {
			return nil, err
		}
	}
	return []ui.Node{
		ui.Section("What happened", ui.Timeline(entries, next).Or(ui.Empty("Nothing yet", "Write the first note below."))),
		noteForm(ui.Along("dealId", deal.ID)),
	}, nil
}
