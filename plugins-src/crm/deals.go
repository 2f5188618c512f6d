package main

import (
	"time"

	"github.com/carrel-dev/carrel/sdk"
)

// DealTerms are the fields of a deal that anybody who may change it sets as
// they like. The others follow from what happens to it.
type DealTerms struct {
	Title           string `json:"title" carrel:"required,max=200,doc=What the deal is about"`
	ContactID       sdk.ID `json:"contactId" carrel:"ref=contacts,on_delete=clear,doc=Person it is made with"`
	Amount          int64  `json:"amount" carrel:"doc=What it is worth, in minor units of the currency: cents, or yen"`
	Currency        string `json:"currency" carrel:"max=3,doc=ISO 4217 code of the amount's currency: EUR; needed with an amount"`
	OwnerID         sdk.ID `json:"ownerId" carrel:"index,doc=Account of the member who works on it"`
	ExpectedCloseAt string `json:"expectedCloseAt" carrel:"time,index,doc=When it is expected to be won"`
}

// Deal is a sale being worked on: in one stage of one pipeline.
type Deal struct {
	DealTerms
	PipelineID sdk.ID `json:"pipelineId" carrel:"required,ref=pipelines,doc=Pipeline it is in"`
	StageKey   string `json:"stageKey" carrel:"required,index,max=40,doc=Key of the stage it is in"`
	Position   int64  `json:"position" carrel:"doc=Its place in the stage: the deals of a stage have different ones, the least first"`
	Status     string `json:"status" carrel:"index,enum=open|won|lost,default=open,doc=What became of it"`
	LostReason string `json:"lostReason" carrel:"max=500,doc=Why it was lost"`
	ClosedAt   string `json:"closedAt" carrel:"time,index,doc=When it was won or lost"`
}

var deals = sdk.Table[Deal]("deals", "Sales being worked on",
	sdk.Index("pipelineId", "stageKey", "position"),
	sdk.Index("pipelineId", "stageKey", "status", "position"))

// DealMoved is the data of crm.deal.stage_changed.
type DealMoved struct {
	DealID sdk.ID `json:"dealId"`
	From   string `json:"from"`
	To     string `json:"to"`
}

// DealWon is the data of crm.deal.won.
type DealWon struct {
	DealID    sdk.ID `json:"dealId"`
	ContactID sdk.ID `json:"contactId"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
}

var (
	dealMoved = sdk.Event[DealMoved]("crm.deal.stage_changed", 1, "A deal went to another stage: the stages' keys.")
	dealWon   = sdk.Event[DealWon]("crm.deal.won", 1, "A deal was won. The amount is in minor units of the currency.")
)

// dealRequest is what a client says about a deal. An amount of money may come as
// one value, which is how forms send it.
type dealRequest struct {
	DealTerms
	Value      *sdk.Money `json:"value" carrel:"doc=The amount and its currency in one, instead of both"`
	PipelineID sdk.ID     `json:"pipelineId" carrel:"doc=The default pipeline without it"`
	StageKey   string     `json:"stageKey" carrel:"max=40,doc=An open stage; the first one without it"`
}

func createDeal(c *sdk.Ctx, in dealRequest) (doc sdk.RawDoc[Deal], err error) {
	if in.Value != nil {
		in.Amount, in.Currency = in.Value.Amount, in.Value.Currency
	}
	if err := checkAmount(in.Amount, in.Currency); err != nil {
		return doc, err
	}
	if in.ContactID, err = survivor(c, in.ContactID); err != nil {
		return doc, err
	}
	pipeline, err := pipelineFor(c, in.PipelineID)
	if err != nil {
		return doc, err
	}
	stage, ok := pipeline.Body.first("open")
	if in.StageKey != "" {
		if stage, err = pipeline.Body.stage(in.StageKey, "body.stageKey"); err != nil {
			return doc, err
		}
	} else if !ok {
		return doc, sdk.Violation("body.pipelineId", "has no open stage for a deal to begin in; add one to the pipeline")
	}
	if stage.Kind != "open" {
		return doc, sdk.Violation("body.stageKey", "is a stage of deals that are over; add the deal to an open stage, then win, lose or move it")
	}
	position, err := place(c, column{pipeline.ID, stage}, "", last)
	if err != nil {
		return doc, err
	}
	c.SetStatus(201)
	return deals.Add(c, Deal{DealTerms: in.DealTerms, PipelineID: pipeline.ID, StageKey: stage.Key, Position: position, Status: "open"})
}

// dealChanges are the fields that PATCH takes. Stage and status are not among
// them: they change with an event, by move, win and lose.
type dealChanges struct {
	DealTerms
	Value      *sdk.Money `json:"value" carrel:"doc=The amount and its currency in one, instead of both"`
	LostReason string     `json:"lostReason" carrel:"max=500,doc=Why it was lost"`
}

func changeDeal(c *sdk.Ctx, changes sdk.Partial[dealChanges]) (doc sdk.RawDoc[Deal], err error) {
	version, err := c.IfMatch()
	if err != nil {
		return doc, err
	}
	id := sdk.ID(c.Param("id"))
	before, err := deals.Get(c, id)
	if err != nil {
		return doc, err
	}
	values, err := changes.Values()
	if err != nil {
		return doc, err
	}
	patch := map[string]any{}
	for _, field := range []struct {
		name  string
		value any
	}{
		{"title", values.Title}, {"contactId", values.ContactID}, {"amount", values.Amount}, {"currency", values.Currency},
		{"ownerId", values.OwnerID}, {"expectedCloseAt", values.ExpectedCloseAt}, {"lostReason", values.LostReason},
	} {
		if changes.Has(field.name) {
			patch[field.name] = field.value
		}
	}
	if changes.Has("value") {
		if values.Value == nil { // null
			values.Value = new(sdk.Money)
		}
		patch["amount"], patch["currency"] = values.Value.Amount, values.Value.Currency
	}
	after := before.Body
	if amount, ok := patch["amount"].(int64); ok {
		after.Amount = amount
	}
	if currency, ok := patch["currency"].(string); ok {
		after.Currency = currency
	}
	if err := checkAmount(after.Amount, after.Currency); err != nil {
		return doc, err
	}
	if changes.Has("contactId") {
		if patch["contactId"], err = survivor(c, values.ContactID); err != nil {
			return doc, err
		}
	}
	if before.Body.Status != "lost" && values.LostReason != "" {
		return doc, sdk.Violation("body.lostReason", "belongs to a deal that is lost; POST /deals/%s/lose takes the reason", id)
	}
	return deals.Patch(c, id, patch, version)
}

// maxAmount bounds a deal, so that the sums of a report cannot overflow.
const maxAmount = 10_000_000_000_000 // minor units

// checkAmount refuses an amount of no currency.
func checkAmount(amount int64, currency string) error {
	switch {
	case amount < 0 || amount > maxAmount:
		return sdk.Violation("body.amount", "must be from 0 to %d minor units", int64(maxAmount))
	case currency == "" && amount != 0:
		return sdk.Violation("body.currency", "is required with an amount, such as EUR")
	case currency != "" && !isCurrency(currency):
		return sdk.Violation("body.currency", "must be a currency code of three capitals, such as EUR")
	}
	return nil
}

func isCurrency(code string) bool {
	for _, letter := range code {
		if letter < 'A' || letter > 'Z' {
			return false
		}
	}
	return len(code) == 3
}

type moveRequest struct {
	To         string `json:"to" carrel:"required,max=40,doc=Key of the stage to move it to"`
	PipelineID sdk.ID `json:"pipelineId" carrel:"doc=Pipeline of that stage; the deal's own without it"`
	Position   *int   `json:"position" carrel:"doc=How many deals of the stage come before it: 0 for the top; at the end without it"`
}

// moveDeal puts a deal into a stage, which may be its own. What the stage means
// for a deal happens to it: in a stage of kind won it is won.
func moveDeal(c *sdk.Ctx, in moveRequest) (doc sdk.RawDoc[Deal], err error) {
	index := last
	if in.Position != nil {
		if index = *in.Position; index < 0 {
			return doc, sdk.Violation("body.position", "must be 0 or more")
		}
	}
	deal, err := deals.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return doc, err
	}
	if in.PipelineID == "" {
		in.PipelineID = deal.Body.PipelineID
	}
	pipeline, err := pipelineFor(c, in.PipelineID)
	if err != nil {
		return doc, err
	}
	stage, err := pipeline.Body.stage(in.To, "body.to")
	if err != nil {
		return doc, err
	}
	return settle(c, deal, column{pipeline.ID, stage}, index, stage.Kind, "")
}

// winDeal wins a deal: it goes to the pipeline's first stage of kind won, if
// there is one. A deal that is won stays as it is.
func winDeal(c *sdk.Ctx) (sdk.RawDoc[Deal], error) { return closeDeal(c, "won", "") }

type loseRequest struct {
	Reason string `json:"reason" carrel:"max=500,doc=Why it was lost"`
}

// loseDeal is winDeal for a deal that comes to nothing.
func loseDeal(c *sdk.Ctx, in loseRequest) (sdk.RawDoc[Deal], error) {
	return closeDeal(c, "lost", in.Reason)
}

func closeDeal(c *sdk.Ctx, status, reason string) (doc sdk.RawDoc[Deal], err error) {
	deal, err := deals.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return doc, err
	}
	pipeline, err := pipelines.Get(c, deal.Body.PipelineID)
	if err != nil {
		return doc, err
	}
	stage, err := pipeline.Body.stage(deal.Body.StageKey, "stageKey")
	if err != nil {
		return doc, err
	}
	if final, ok := pipeline.Body.first(status); ok && stage.Kind != status {
		stage = final
	}
	index := 0 // what was closed last is what people look for
	if stage.Key == deal.Body.StageKey {
		index = stay
	}
	return settle(c, deal, column{pipeline.ID, stage}, index, status, reason)
}

// settle writes what a deal's place and status have become, and tells of it:
// once for each change, whoever asked for it how often.
func settle(c *sdk.Ctx, deal sdk.Doc[Deal], to column, index int, status, reason string) (doc sdk.RawDoc[Deal], err error) {
	before, after := deal.Body, deal.Body
	after.PipelineID, after.StageKey, after.Status = to.pipeline, to.stage.Key, status
	if index != stay {
		if after.Position, err = place(c, to, deal.ID, index); err != nil {
			return doc, err
		}
	}
	switch {
	case status == "open":
		after.ClosedAt = ""
	case status != before.Status:
		after.ClosedAt = c.Now().UTC().Format(time.RFC3339Nano)
	}
	if status != "lost" {
		after.LostReason = ""
	} else if reason != "" {
		after.LostReason = reason
	}
	if doc, err = deals.Replace(c, deal.ID, after); err != nil {
		return doc, err
	}
	if before.StageKey != after.StageKey || before.PipelineID != after.PipelineID {
		if err := dealMoved.Emit(c, DealMoved{deal.ID, before.StageKey, after.StageKey}); err != nil {
			return doc, err
		}
	}
	if status == "won" && before.Status != "won" {
		err = dealWon.Emit(c, DealWon{deal.ID, after.ContactID, after.Amount, after.Currency})
	}
	return doc, err
}
