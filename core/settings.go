package core

import (
	"encoding/json"
	"slices"
)

// PublicSettings returns settings without the properties their schema marks
// `secret: true`, and the dotted paths of the secrets that are set. A schema
// marks secrets on properties of the settings object or of objects inside it.
func PublicSettings(schema, settings json.RawMessage) (public json.RawMessage, secrets []string, err error) {
	const op = "core.PublicSettings"
	if len(settings) == 0 {
		return json.RawMessage("{}"), nil, nil
	}
	var object map[string]any
	if err := json.Unmarshal(settings, &object); err != nil {
		return nil, nil, Wrap(op, Internal, err)
	}
	var node settingsNode
	if len(schema) > 0 {
		if err := json.Unmarshal(schema, &node); err != nil {
			return nil, nil, Wrap(op, Internal, err)
		}
	}
	secrets = node.strip("", object)
	if len(secrets) == 0 {
		return settings, nil, nil // as it is stored: numbers keep their digits
	}
	slices.Sort(secrets)
	public, err = json.Marshal(object)
	return public, secrets, Wrap(op, Internal, err)
}

type settingsNode struct {
	Secret     bool                    `json:"secret"`
	Properties map[string]settingsNode `json:"properties"`
}

func (n settingsNode) strip(path string, object map[string]any) (stripped []string) {
	for name, property := range n.Properties {
		value, ok := object[name]
		if !ok {
			continue
		}
		if property.Secret {
			delete(object, name)
			stripped = append(stripped, path+name)
		} else if inner, ok := value.(map[string]any); ok {
			stripped = append(stripped, property.strip(path+name+".", inner)...)
		}
	}
	return stripped
}
