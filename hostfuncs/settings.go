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
	public, _, err := core.PublicSettings(h.b.Manifest.Settings, h.b.Installation.Settings)
	return public, err
}
