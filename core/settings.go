package core

import (
	"bytes"
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
	var object, root map[string]any
	decoder := json.NewDecoder(bytes.NewReader(settings))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return nil, nil, Wrap(op, Internal, err)
	}
	if len(schema) > 0 {
		if err := json.Unmarshal(schema, &root); err != nil {
			return nil, nil, Wrap(op, Internal, err)
		}
	}
	secrets = stripSecrets(root, "", object)
	slices.Sort(secrets)
	public, err = json.Marshal(object)
	return public, secrets, Wrap(op, Internal, err)
}

func stripSecrets(schema map[string]any, path string, object map[string]any) (stripped []string) {
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range object {
		property, _ := properties[name].(map[string]any)
		if property["secret"] == true {
			delete(object, name)
			stripped = append(stripped, path+name)
		} else if inner, ok := value.(map[string]any); ok {
			stripped = append(stripped, stripSecrets(property, path+name+".", inner)...)
		}
	}
	return stripped
}
