package main

import (
	"strconv"

	"github.com/carrel-dev/carrel/sdk"
)

// Pipeline is the way a deal takes, stage by stage.
type Pipeline struct {
	Name      string  `json:"name" carrel:"required,index,max=100,doc=Name"`
	IsDefault bool    `json:"isDefault" carrel:"index,doc=Whether new deals go here"`
	Stages    []Stage `json:"stages" carrel:"required,max=30,doc=Stages, in order"`
}

// Stage is one step of a pipeline.
type Stage struct {
	Key         string `json:"key" carrel:"required,max=40,doc=What deals refer to; unique in the pipeline"`
	Name        string `json:"name" carrel:"required,max=80,doc=Name"`
	Probability int    `json:"probability" carrel:"doc=Chance that a deal here is won, in percent"`
	Kind        string `json:"kind" carrel:"enum=open|won|lost,doc=What being in the stage means for a deal"`
}

var pipelines = sdk.Table[Pipeline]("pipelines", "The ways deals take")

// install gives the workspace the pipeline most begin with.
func install(c *sdk.Ctx) error {
	_, err := pipelines.Add(c, Pipeline{
		Name:      "Default Pipeline",
		IsDefault: true,
		Stages: []Stage{
			{Key: "lead", Name: "Lead", Probability: 10, Kind: "open"},
			{Key: "contacted", Name: "Contacted", Probability: 25, Kind: "open"},
			{Key: "qualified", Name: "Qualified", Probability: 50, Kind: "open"},
			{Key: "closed", Name: "Closed", Probability: 100, Kind: "won"},
		},
	})
	return err
}

func createPipeline(c *sdk.Ctx, in Pipeline) (sdk.RawDoc[Pipeline], error) {
	if err := checkStages(in.Stages); err != nil {
		return sdk.RawDoc[Pipeline]{}, err
	}
	if in.IsDefault {
		if err := unsetDefault(c, ""); err != nil {
			return sdk.RawDoc[Pipeline]{}, err
		}
	}
	return pipelines.Create(c, in)
}

func changePipeline(c *sdk.Ctx, changes sdk.Partial[Pipeline]) (sdk.RawDoc[Pipeline], error) {
	values, err := changes.Values()
	if err == nil && changes.Has("stages") {
		err = checkStages(values.Stages)
	}
	if err == nil && values.IsDefault {
		err = unsetDefault(c, sdk.ID(c.Param("id")))
	}
	if err != nil {
		return sdk.RawDoc[Pipeline]{}, err
	}
	return pipelines.Change(c, changes)
}

// checkStages refuses what the schema cannot: two stages with one key, a
// probability that is none.
func checkStages(stages []Stage) error {
	seen := map[string]bool{}
	for i, stage := range stages {
		place := "body.stages[" + strconv.Itoa(i) + "]"
		switch {
		case stage.Key == "":
			return sdk.Violation(place+".key", "is required")
		case stage.Name == "":
			return sdk.Violation(place+".name", "is required")
		case seen[stage.Key]:
			return sdk.Violation(place+".key", "is taken by another stage: %q", stage.Key)
		case stage.Probability < 0 || stage.Probability > 100:
			return sdk.Violation(place+".probability", "must be from 0 to 100")
		case stage.Kind != "open" && stage.Kind != "won" && stage.Kind != "lost":
			return sdk.Violation(place+".kind", "must be open, won or lost")
		}
		seen[stage.Key] = true
	}
	return nil
}

// unsetDefault makes room for another default pipeline.
func unsetDefault(c *sdk.Ctx, except sdk.ID) error {
	defaults, _, err := pipelines.Where("isDefault", true).Docs(c)
	if err != nil {
		return err
	}
	for _, doc := range defaults {
		if doc.ID == except {
			continue
		}
		if _, err := pipelines.Patch(c, doc.ID, map[string]any{"isDefault": false}); err != nil {
			return err
		}
	}
	return nil
}
