package main

import (
	"slices"
	"strconv"
	"strings"

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
		if err = checkStages(values.Stages); err == nil {
			err = keepDeals(c, sdk.ID(c.Param("id")), values.Stages)
		}
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

// keepDeals refuses stages that would leave a deal of the pipeline in none, or
// in one that means something else.
func keepDeals(c *sdk.Ctx, id sdk.ID, stages []Stage) error {
	pipeline, err := pipelines.Get(c, id)
	if err != nil {
		return err
	}
	for _, old := range pipeline.Body.Stages {
		i := slices.IndexFunc(stages, func(s Stage) bool { return s.Key == old.Key })
		if i >= 0 && stages[i].Kind == old.Kind {
			continue
		}
		_, found, err := (column{id, old}).all().First(c)
		switch {
		case err != nil:
			return err
		case found && i < 0:
			return sdk.Exists("The stage %q has deals. Move them to another stage first.", old.Key)
		case found:
			return sdk.Exists("The stage %q has deals, which are %s: its kind stays. Move them to another stage first.", old.Key, old.Kind)
		}
	}
	return nil
}

// deletePipeline deletes one that has no deals and is not the default.
func deletePipeline(c *sdk.Ctx) error {
	pipeline, err := pipelines.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return err
	}
	if pipeline.Body.IsDefault {
		return sdk.Exists("New deals go to this pipeline. Make another one the default first.")
	}
	_, found, err := deals.Where("pipelineId", pipeline.ID).First(c)
	if err != nil {
		return err
	}
	if found {
		return sdk.Exists("The pipeline has deals. Move them to another one first, or delete them.")
	}
	return pipelines.Remove(c)
}

// pipelineFor finds the pipeline that a request names, or the default one.
func pipelineFor(c *sdk.Ctx, id sdk.ID) (sdk.Doc[Pipeline], error) {
	if id != "" {
		doc, err := pipelines.Get(c, id)
		if sdk.IsNotFound(err) {
			err = sdk.Violation("body.pipelineId", "there is no such pipeline")
		}
		return doc, err
	}
	doc, found, err := pipelines.By(c, "isDefault", true)
	if err == nil && !found {
		err = sdk.Violation("body.pipelineId", "is required, because no pipeline is the default")
	}
	return doc, err
}

// stage finds a stage by its key; at is where a request named it.
func (p Pipeline) stage(key, at string) (Stage, error) {
	keys := make([]string, len(p.Stages))
	for i, stage := range p.Stages {
		if stage.Key == key {
			return stage, nil
		}
		keys[i] = stage.Key
	}
	return Stage{}, sdk.Violation(at, "%q is no stage of the pipeline; it has %s", shorten(key), strings.Join(keys, ", "))
}

// first finds the first stage of a kind.
func (p Pipeline) first(kind string) (Stage, bool) {
	i := slices.IndexFunc(p.Stages, func(s Stage) bool { return s.Kind == kind })
	if i < 0 {
		return Stage{}, false
	}
	return p.Stages[i], true
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
