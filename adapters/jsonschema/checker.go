package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carrel-dev/carrel/core"
)

// Checker checks settings. The zero value is ready for use.
type Checker struct{}

// here is the address the schema in hand has while it is compiled.
const here = "carrel:///settings.json"

// Check returns settings with the schema's defaults in the places that are
// empty, or an Invalid error with a violation per fault, located below
// "settings". Without a schema there is nothing to set. A fault of the schema
// itself is Invalid too: its message names the author as the one to fix it.
func (Checker) Check(schema, settings json.RawMessage) (json.RawMessage, error) {
	const op = "jsonschema.Check"
	if len(settings) > maxSettings {
		return nil, located(op, "settings", fmt.Sprintf("have %d bytes; at most %d are allowed", len(settings), maxSettings))
	}
	value, err := parse(settings)
	if err != nil {
		return nil, located(op, "settings", "is not JSON")
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, located(op, "settings", "must be an object")
	}
	if len(schema) == 0 {
		if len(object) > 0 {
			return nil, located(op, "settings", "must be empty: the plugin has no settings")
		}
		return json.RawMessage("{}"), nil
	}
	// A release may have been published before what is checked here was.
	parts, wrong := core.CheckSchema("settings", schema)
	if len(wrong) > 0 {
		return nil, faulty(op, errors.New(wrong.Error()))
	}
	root, err := parse(schema)
	if err != nil {
		return nil, faulty(op, err)
	}
	if misplaced := core.MisplacedSecrets(schema); len(misplaced) > 0 {
		return nil, faulty(op, fmt.Errorf("secret only on properties, not at %s", strings.Join(misplaced, ", ")))
	}
	work := steps{maxSteps}
	compiled, err := compile(root, &work)
	if err != nil {
		return nil, faulty(op, err)
	}
	applyDefaults(root, object)
	if most := maxWork / parts; valuesIn(object) > most {
		return nil, located(op, "settings",
			fmt.Sprintf("have more than %d names and values, which is as many as are checked against a schema of this size", most))
	}
	err = compiled.Validate(object)
	if work.left < 0 {
		return nil, located(op, "settings", "have texts that are too long for the plugin's patterns")
	}
	if err != nil {
		invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
		if !ok {
			return nil, core.Wrap(op, core.Internal, err)
		}
		found := faults{at: "settings", unknown: "is not a setting of the plugin", schema: root}
		return nil, found.of(invalid).Err(op, "The settings don't fit the plugin.")
	}
	checked, err := json.Marshal(object)
	return checked, core.Wrap(op, core.Internal, err)
}

func compile(root any, work *steps) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(work.compile)
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(here, root); err != nil {
		return nil, err
	}
	return c.Compile(here)
}

// noLoader keeps the library from opening what a schema refers to: an author
// must not make the server read its files or call addresses.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not in the manifest, and nothing is loaded from outside", url)
}

func located(op, location, fault string) error {
	var wrong core.Violations
	wrong.Add(location, "%s", fault)
	return wrong.Err(op, "The settings don't fit the plugin.")
}

func faulty(op string, cause error) error {
	return &core.Error{Op: op, Kind: core.Invalid, Err: cause,
		Msg: "The settings schema of this release is faulty, so it can't be installed. Its author has to publish a corrected one."}
}

func parse(data json.RawMessage) (any, error) {
	if len(data) == 0 {
		return map[string]any{}, nil
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(data))
}

// applyDefaults fills the properties an object lacks with their defaults, and
// the objects inside it. An object that isn't there is made if its own schema
// has a default for it, not for the sake of its properties.
func applyDefaults(schema any, object map[string]any) {
	for name, property := range propertiesOf(schema) {
		node, _ := property.(map[string]any)
		if _, there := object[name]; !there {
			if value, ok := node["default"]; ok {
				object[name] = clone(value)
			}
		}
		if inner, ok := object[name].(map[string]any); ok {
			applyDefaults(node, inner)
		}
	}
}

func propertiesOf(schema any) map[string]any {
	node, _ := schema.(map[string]any)
	properties, _ := node["properties"].(map[string]any)
	return properties
}

// clone copies a JSON value, so that filling it in doesn't change the schema.
func clone(value any) any {
	switch value := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(value))
		for name, inner := range value {
			copied[name] = clone(inner)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, inner := range value {
			copied[i] = clone(inner)
		}
		return copied
	default:
		return value
	}
}

// secret reports whether a place is in a property that is marked secret.
func secret(schema any, path []string) bool {
	for _, step := range path {
		node, _ := propertiesOf(schema)[step].(map[string]any)
		if node["secret"] == true {
			return true
		}
		schema = node
	}
	return false
}
