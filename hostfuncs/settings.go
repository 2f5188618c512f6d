package hostfuncs

import (
	"context"
	"encoding/json"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var settingsOperations = []Operation{
	{abi.OpSettingsGet, "settings.get", "", anyKind, "Read the installation's settings, without the secret ones.", with(settingsGet)},
}

func settingsGet(_ context.Context, h *Host, _ nothing) (json.RawMessage, error) {
	const op = "settings.get"
	if len(h.b.Installation.Settings) == 0 {
		return json.RawMessage("{}"), nil
	}
	var settings any
	if err := json.Unmarshal(h.b.Installation.Settings, &settings); err != nil {
		return nil, core.Wrap(op, core.Internal, err)
	}
	var schema any
	if len(h.b.Manifest.Settings) > 0 {
		if err := json.Unmarshal(h.b.Manifest.Settings, &schema); err != nil {
			return nil, core.Wrap(op, core.Internal, err)
		}
	}
	public, err := json.Marshal(withoutSecrets(settings, schema))
	return public, core.Wrap(op, core.Internal, err)
}

// withoutSecrets drops every property its schema marks `"secret": true`, at any
// depth.
func withoutSecrets(value, schema any) any {
	rules, _ := schema.(map[string]any)
	switch value := value.(type) {
	case map[string]any:
		properties, _ := rules["properties"].(map[string]any)
		for name, member := range value {
			rule, _ := properties[name].(map[string]any)
			if secret, _ := rule["secret"].(bool); secret {
				delete(value, name)
				continue
			}
			value[name] = withoutSecrets(member, rule)
		}
	case []any:
		for i := range value {
			value[i] = withoutSecrets(value[i], rules["items"])
		}
	}
	return value
}
