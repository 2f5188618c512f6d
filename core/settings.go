package core

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// PublicSettings returns settings without the properties their schema marks
// `secret: true` or that are sealed, and the dotted paths of the secrets that are
// set. A schema marks secrets on properties of the settings object or of objects
// inside it.
func PublicSettings(schema, settings json.RawMessage) (public json.RawMessage, secrets []string, err error) {
	const op = "core.PublicSettings"
	if len(settings) == 0 {
		return json.RawMessage("{}"), nil, nil
	}
	root, object, err := settingsTree(schema, settings)
	if err != nil {
		return nil, nil, Wrap(op, Internal, err)
	}
	secrets = stripSecrets(root, "", object)
	slices.Sort(secrets)
	public, err = json.Marshal(object)
	return public, secrets, Wrap(op, Internal, err)
}

// settingsTree decodes a schema, which may be empty, and settings. Numbers stay
// as they are written.
func settingsTree(schema, settings json.RawMessage) (root, object map[string]any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(settings))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return nil, nil, err
	}
	if len(schema) > 0 {
		err = json.Unmarshal(schema, &root)
	}
	return root, object, err
}

func stripSecrets(schema map[string]any, path string, object map[string]any) (stripped []string) {
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range object {
		property, _ := properties[name].(map[string]any)
		if IsSealed(value) || property["secret"] == true {
			delete(object, name)
			stripped = append(stripped, path+name)
		} else if inner, ok := value.(map[string]any); ok {
			stripped = append(stripped, stripSecrets(property, path+name+".", inner)...)
		}
	}
	return stripped
}

// IsSecretSetting reports whether a schema marks a property secret, by the names
// of the properties it is in.
func IsSecretSetting(schema json.RawMessage, path ...string) bool {
	var node any
	if json.Unmarshal(schema, &node) != nil || len(path) == 0 {
		return false
	}
	var property map[string]any
	for _, name := range path {
		property = propertyOf(node, name)
		node = property
	}
	return property["secret"] == true
}

// MisplacedSecrets returns where a schema marks something secret that is not a
// property of the settings object or of an object inside it, as dotted paths:
// below a list, an alternative or a $ref, PublicSettings would not find it.
func MisplacedSecrets(schema json.RawMessage) []string {
	var root any
	if json.Unmarshal(schema, &root) != nil {
		return nil // not for this function to say
	}
	misplaced := secretsIn(root, "settings", false)
	slices.Sort(misplaced)
	return misplaced
}

// dottedSettings returns where a schema has properties, of settings or of objects
// inside them, with a dot in their names: "smtp.password" would be taken for
// password of smtp, and what is typed for the one kept as the other.
func dottedSettings(schema json.RawMessage) (dotted []string) {
	var root any
	if json.Unmarshal(schema, &root) != nil {
		return nil // not for this function to say
	}
	var walk func(node any, at string)
	walk = func(node any, at string) {
		object, _ := node.(map[string]any)
		properties, _ := object["properties"].(map[string]any)
		for name, property := range properties {
			at := at + ".properties." + name
			if strings.Contains(name, ".") {
				dotted = append(dotted, at)
			}
			walk(property, at)
		}
	}
	walk(root, "settings")
	slices.Sort(dotted)
	return dotted
}

// secretsIn walks a schema; reachable says that it is the one of a property.
func secretsIn(node any, at string, reachable bool) (misplaced []string) {
	switch node := node.(type) {
	case map[string]any:
		if node["secret"] == true && !reachable {
			misplaced = append(misplaced, at)
		}
		for keyword, value := range node {
			switch keyword {
			case "default", "const", "enum", "examples": // values, not schemas
				continue
			}
			properties, ok := value.(map[string]any)
			if keyword == "properties" && ok && (reachable || at == "settings") {
				for name, property := range properties {
					misplaced = append(misplaced, secretsIn(property, at+".properties."+name, true)...)
				}
			} else {
				misplaced = append(misplaced, secretsIn(value, at+"."+keyword, false)...)
			}
		}
	case []any:
		for _, value := range node {
			misplaced = append(misplaced, secretsIn(value, at, false)...)
		}
	}
	return misplaced
}
