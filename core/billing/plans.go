package billing

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

//go:embed plans.json
var defaultPlans []byte

// Plans are the plans of a server, in the order of its file. The first is what
// a new workspace gets.
type Plans struct{ list []core.Plan }

// DefaultPlans returns the plans that are built in.
func DefaultPlans() *Plans {
	plans, err := ParsePlans(defaultPlans)
	if err != nil {
		panic(err) // the embedded file, checked by a test
	}
	return plans
}

// LoadPlans reads plans from a JSON file, like ParsePlans.
func LoadPlans(path string) (*Plans, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, core.E("billing.LoadPlans", core.Invalid, "The plan file %s can't be read: %v", path, err)
	}
	plans, err := ParsePlans(data)
	if err != nil {
		const op = "billing.LoadPlans"
		if wrong := core.ViolationsOf(err); len(wrong) > 0 {
			return nil, wrong.Err(op, "The plan file "+path+" is wrong, in these places.")
		}
		return nil, core.E(op, core.Invalid, "The plan file %s is wrong: %s", path, core.MessageOf(err))
	}
	return plans, nil
}

// ParsePlans reads `{"plans": [...]}` and checks it. The error's message names
// each place that is wrong.
func ParsePlans(data []byte) (*Plans, error) {
	const op = "billing.ParsePlans"
	var file struct {
		Plans []core.Plan `json:"plans"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		at := decoder.InputOffset()
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = syntax.Offset
		} else if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			at = mismatch.Offset
		}
		return nil, core.E(op, core.Invalid, "line %d: %v", lineAt(data, at), err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, core.E(op, core.Invalid, "line %d: something follows the plans", lineAt(data, decoder.InputOffset()))
	}
	wrong := checkPlans(file.Plans)
	if len(wrong) > 0 {
		return nil, wrong.Err(op, wrong.Error())
	}
	return &Plans{file.Plans}, nil
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}

var (
	planID   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,38}$`)
	plugin   = regexp.MustCompile(`^(\*|[a-z][a-z0-9-]{1,38})$`)
	meter    = regexp.MustCompile(`^[a-z][a-z0-9-]{1,38}\.[a-z][a-zA-Z0-9_.-]{0,60}$`)
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
)

func checkPlans(plans []core.Plan) (wrong core.Violations) {
	if len(plans) == 0 {
		wrong.Add("plans", "must hold at least one plan")
	}
	seen := map[string]bool{}
	for i, p := range plans {
		at := fmt.Sprintf("plans[%d]", i)
		if !planID.MatchString(p.ID) {
			wrong.Add(at+".id", "%q must be lower-case letters, digits and dashes", p.ID)
		}
		if seen[p.ID] {
			wrong.Add(at+".id", "%q is the id of a plan above", p.ID)
		}
		seen[p.ID] = true
		if strings.TrimSpace(p.Title) == "" {
			wrong.Add(at+".title", "is missing")
		}
		if p.Price.Amount < 0 {
			wrong.Add(at+".price.amount", "must not be negative")
		}
		if !currency.MatchString(p.Price.Currency) {
			wrong.Add(at+".price.currency", "%q must be three capital letters like EUR", p.Price.Currency)
		}
		for j, name := range p.Plugins {
			if !plugin.MatchString(name) {
				wrong.Add(fmt.Sprintf("%s.plugins[%d]", at, j), "%q is not a plugin's name, nor *", name)
			}
		}
		if p.Limits.Fuel < 0 || p.Limits.Memory < 0 || p.Limits.TimeMS < 0 {
			wrong.Add(at+".limits", "must not be negative; leave a limit out for the host's own")
		}
		for _, name := range slices.Sorted(maps.Keys(p.Quotas)) {
			if !meter.MatchString(name) {
				wrong.Add(at+".quotas", "%q is not a meter; write it like crm.contacts", name)
			}
			if p.Quotas[name] < 0 {
				wrong.Add(at+".quotas."+name, "must not be negative; leave it out for no limit")
			}
		}
	}
	return wrong
}

// List returns the plans. The caller must not change them.
func (p *Plans) List() []core.Plan { return p.list }

// Plan returns the plan with this id.
func (p *Plans) Plan(id string) (core.Plan, bool) {
	i := slices.IndexFunc(p.list, func(plan core.Plan) bool { return plan.ID == id })
	if i < 0 {
		return core.Plan{ID: id, Title: id}, false
	}
	return p.list[i], true
}
