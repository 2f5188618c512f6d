package main

import (
	"strconv"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// stageRow is what a stage holds of one currency.
type stageRow struct {
	Stage    string    `json:"stage"`
	Amount   sdk.Money `json:"amount"`
	Weighted sdk.Money `json:"weighted"`
}

// reportsPage shows how much of a pipeline is left after each stage, and what it
// is worth, currency by currency.
func reportsPage(c *sdk.Ctx) (ui.Tree, error) {
	ofPipelines, err := choices(c, pipelines.All().Sort("name"), func(p Pipeline) string { return p.Name })
	if err != nil {
		return ui.Tree{}, err
	}
	report, err := reportPipeline(c, reportRequest{PipelineID: sdk.ID(c.Query("pipeline")), OwnerID: sdk.ID(c.Query("owner"))})
	if err != nil {
		return ui.Tree{}, err
	}
	filters := []ui.Input{{Name: "owner", Label: "Owner", Options: mine(c)}}
	if len(ofPipelines) > 1 {
		filters = append(filters, ui.Input{Name: "pipeline", Label: "Pipeline", Options: ofPipelines})
	}
	tree := ui.Page(report.Name,
		ui.Filter(filters...),
		ui.Stats(
			ui.Stat("Deals", strconv.Itoa(report.Total.Count)),
			ui.Stat("Lost", strconv.Itoa(report.Lost.Count)),
		),
	)
	if report.Total.Count == 0 {
		tree.Children = append(tree.Children, ui.Empty("No deals here", "What deals are worth is added up here, stage by stage."))
		return tree, nil
	}
	steps := make([]string, len(report.Stages))
	for i, stage := range report.Stages {
		steps[i] = stage.Name
	}
	tree.Children = append(tree.Children,
		ui.Funnel("Deals that came as far as a stage", steps, ui.Series{Name: "Deals", Values: reached(report.Stages)}))
	for _, total := range report.Total.Sums {
		section, err := currencySection(report.Stages, total)
		if err != nil {
			return ui.Tree{}, err
		}
		tree.Children = append(tree.Children, section)
	}
	return tree, nil
}

// reached is how many deals are in each stage or a later one.
func reached(stages []StageReport) []float64 {
	values := make([]float64, len(stages))
	sum := 0
	for i := len(stages) - 1; i >= 0; i-- {
		sum += stages[i].Count
		values[i] = float64(sum)
	}
	return values
}

// currencySection shows what deals of one currency are worth.
func currencySection(stages []StageReport, total Sum) (ui.Node, error) {
	var labels []string
	var rows []stageRow
	amounts, expected := ui.Series{Name: "Value"}, ui.Series{Name: "Expected"}
	for _, stage := range stages {
		sum := Sum{Currency: total.Currency}
		for _, one := range stage.Sums {
			if one.Currency == total.Currency {
				sum = one
			}
		}
		labels = append(labels, stage.Name)
		amounts.Values = append(amounts.Values, float64(sum.Amount))
		expected.Values = append(expected.Values, float64(sum.Weighted))
		rows = append(rows, rowOf(stage.Name, sum))
	}
	encoded, err := ui.Rows(append(rows, rowOf("Together", total)))
	if err != nil {
		return ui.Node{}, err
	}
	return ui.Section(total.Currency,
		ui.Bars("Value by stage, and what is to be expected of it", labels, amounts, expected).In(total.Currency),
		ui.Table([]ui.Column{
			{Key: "stage", Label: "Stage"},
			{Key: "amount", Label: "Value", Format: ui.Money},
			{Key: "weighted", Label: "Expected", Format: ui.Money},
		}, encoded, ""),
	), nil
}

func rowOf(stage string, sum Sum) stageRow {
	return stageRow{stage, sdk.Money{Amount: sum.Amount, Currency: sum.Currency}, sdk.Money{Amount: sum.Weighted, Currency: sum.Currency}}
}
