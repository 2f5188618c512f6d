package main

import (
	"maps"
	"slices"

	"github.com/carrel-dev/carrel/sdk"
)

// maxReported is how many deals a report adds up. It is exact or refused.
const maxReported = 20_000

// PipelineReport says what is in a pipeline.
type PipelineReport struct {
	PipelineID sdk.ID        `json:"pipelineId"`
	Name       string        `json:"name"`
	Stages     []StageReport `json:"stages" carrel:"doc=Its stages, in order: deals that are open or won"`
	Total      Figures       `json:"total" carrel:"doc=All stages together"`
	Lost       Figures       `json:"lost" carrel:"doc=Deals that were lost, whatever their stage"`
}

// StageReport says what is in a stage.
type StageReport struct {
	Key         string `json:"key"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Probability int    `json:"probability"`
	Figures
}

// Figures are how many deals there are and what they are worth. Currencies are
// never added together.
type Figures struct {
	Count int   `json:"count"`
	Sums  []Sum `json:"sums" carrel:"doc=One for each currency, in the order of their codes"`
}

// Sum is what deals are worth, in minor units of a currency. Weighted is what is
// to be expected of it: open deals by the probability of their stage, in
// hundredths rounded half up once for the stage, and won deals in full.
type Sum struct {
	Currency string `json:"currency"`
	Amount   int64  `json:"amount"`
	Weighted int64  `json:"weighted"`
}

type reportRequest struct {
	PipelineID sdk.ID `json:"-" query:"pipelineId" carrel:"doc=The pipeline; the default one without it"`
	OwnerID    sdk.ID `json:"-" query:"ownerId" carrel:"doc=Only deals of this owner"`
}

func reportPipeline(c *sdk.Ctx, in reportRequest) (PipelineReport, error) {
	var pipeline sdk.Doc[Pipeline]
	var err error
	if in.PipelineID != "" {
		pipeline, err = pipelines.Get(c, in.PipelineID)
	} else {
		pipeline, err = pipelineFor(c, "")
	}
	if err != nil {
		return PipelineReport{}, err
	}
	report := PipelineReport{PipelineID: pipeline.ID, Name: pipeline.Body.Name, Stages: []StageReport{}}
	total, lost := account{}, account{}
	left := maxReported
	count := func(stage Stage, status string) (tally, error) {
		query := column{pipeline.ID, stage}.all().Where("status", status)
		if in.OwnerID != "" {
			query.Where("ownerId", in.OwnerID)
		}
		return add(c, query, &left)
	}
	for _, stage := range pipeline.Body.Stages {
		open, err := count(stage, "open")
		if err != nil {
			return report, err
		}
		won, err := count(stage, "won")
		if err != nil {
			return report, err
		}
		gone, err := count(stage, "lost")
		if err != nil {
			return report, err
		}
		one := account{}
		one.enter(open, stage.Probability)
		one.enter(won, 100)
		total.join(one)
		lost.enter(gone, 0)
		report.Stages = append(report.Stages, StageReport{stage.Key, stage.Name, stage.Kind, stage.Probability, one.figures()})
	}
	report.Total, report.Lost = total.figures(), lost.figures()
	return report, nil
}

// tally is the number of some deals, and the sum of their amounts by currency.
type tally struct {
	count int
	sums  map[string]int64
}

// add adds up the deals of a query. left is how many more a report may.
func add(c *sdk.Ctx, query *sdk.QueryOf[Deal], left *int) (tally, error) {
	t := tally{sums: map[string]int64{}}
	for cursor := ""; ; {
		page, next, err := query.Limit(200).Cursor(cursor).RawDocs(c)
		if err != nil {
			return t, err
		}
		if *left -= len(page); *left < 0 {
			return t, sdk.TooLarge(
				"The pipeline has more than %d deals, too many for one report. Ask for those of one owner, with ownerId.", maxReported)
		}
		for _, doc := range page {
			var amount int64
			var currency string
			if _, err := doc.Field("amount", &amount); err != nil {
				return t, err
			}
			if _, err := doc.Field("currency", &currency); err != nil {
				return t, err
			}
			t.count++
			if currency != "" {
				t.sums[currency] += amount
			}
		}
		if cursor = next; cursor == "" {
			return t, nil
		}
	}
}

// account adds tallies of different probabilities.
type account struct {
	count int
	sums  map[string]Sum
}

func (l *account) enter(t tally, probability int) {
	l.count += t.count
	for currency, amount := range t.sums {
		l.book(Sum{currency, amount, weigh(amount, probability)})
	}
}

func (l *account) join(other account) {
	l.count += other.count
	for _, sum := range other.sums {
		l.book(sum)
	}
}

func (l *account) book(sum Sum) {
	if l.sums == nil {
		l.sums = map[string]Sum{}
	}
	before := l.sums[sum.Currency]
	l.sums[sum.Currency] = Sum{sum.Currency, before.Amount + sum.Amount, before.Weighted + sum.Weighted}
}

func (l *account) figures() Figures {
	f := Figures{Count: l.count, Sums: []Sum{}}
	for _, currency := range slices.Sorted(maps.Keys(l.sums)) {
		f.Sums = append(f.Sums, l.sums[currency])
	}
	return f
}

// weigh is so many percent of an amount, rounded half up. It is exact: an amount
// times a hundred need not fit.
func weigh(amount int64, percent int) int64 {
	p := int64(percent)
	return amount/100*p + (amount%100*p+50)/100
}
