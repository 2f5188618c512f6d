package core

import (
	"encoding/json"
	"slices"
	"strings"
)

// SealedMember is that of a sealed secret in stored settings: an object with this
// one member, the sealed text, is where the value was.
const SealedMember = "$sealed"

// IsSealed reports whether a decoded value stands for a sealed one.
func IsSealed(value any) bool {
	_, sealed := sealedText(value)
	return sealed
}

func sealedText(value any) (text string, ok bool) {
	object, _ := value.(map[string]any)
	if len(object) != 1 {
		return "", false
	}
	text, ok = object[SealedMember].(string)
	return text, ok
}

// SealSettings returns settings in which seal has sealed each value that the
// schema marks secret, and those at the paths of also: what was secret once must
// not be read because another schema says so. Sealed values stay as they are.
func SealSettings(schema, settings json.RawMessage, also [][]string, seal func(path []string, value json.RawMessage) (string, error)) (json.RawMessage, error) {
	const op = "core.SealSettings"
	root, object, err := settingsTree(schema, settings)
	if err != nil {
		return nil, Wrap(op, Internal, err)
	}
	err = eachSetting(root, object, nil, func(path []string, property map[string]any, value any) (any, bool, error) {
		secret := property["secret"] == true || slices.ContainsFunc(also, func(other []string) bool { return slices.Equal(path, other) })
		if IsSealed(value) || !secret {
			return nil, false, nil
		}
		plain, err := json.Marshal(value)
		if err != nil {
			return nil, false, err
		}
		text, err := seal(path, plain)
		return map[string]any{SealedMember: text}, true, err
	})
	if err != nil {
		return nil, Wrap(op, Internal, err)
	}
	sealed, err := json.Marshal(object)
	return sealed, Wrap(op, Internal, err)
}

// OpenSettings returns settings in which what open answers is in the place of
// each sealed value, and the paths of those.
func OpenSettings(settings json.RawMessage, open func(path []string, sealed string) (json.RawMessage, error)) (opened json.RawMessage, paths [][]string, err error) {
	const op = "core.OpenSettings"
	_, object, err := settingsTree(nil, settings)
	if err != nil {
		return nil, nil, Wrap(op, Internal, err)
	}
	err = eachSetting(nil, object, nil, func(path []string, _ map[string]any, value any) (any, bool, error) {
		text, sealed := sealedText(value)
		if !sealed {
			return nil, false, nil
		}
		paths = append(paths, path)
		plain, err := open(path, text)
		return plain, true, err
	})
	if err != nil {
		return nil, nil, Wrap(op, Internal, err)
	}
	opened, err = json.Marshal(object)
	return opened, paths, Wrap(op, Internal, err)
}

// SealedSetting returns the sealed text at a path of settings, or the value that
// is there in the clear; neither if there is nothing.
func SealedSetting(settings json.RawMessage, path ...string) (sealed string, plain json.RawMessage) {
	at := settings
	for _, name := range path {
		var object map[string]json.RawMessage
		if len(at) == 0 || json.Unmarshal(at, &object) != nil {
			return "", nil
		}
		at = object[name]
	}
	var value any
	if len(at) == 0 || json.Unmarshal(at, &value) != nil {
		return "", nil
	}
	if text, ok := sealedText(value); ok {
		return text, nil
	}
	return "", at
}

// CheckUnsealed refuses settings from outside that pretend to be sealed.
func CheckUnsealed(settings json.RawMessage) error {
	const op = "core.CheckUnsealed"
	_, object, err := settingsTree(nil, settings)
	if err != nil {
		return nil // whoever checks settings says what is wrong with them
	}
	var wrong Violations
	_ = eachSetting(nil, object, nil, func(path []string, _ map[string]any, value any) (any, bool, error) {
		if IsSealed(value) {
			wrong.Add("settings."+strings.Join(path, "."), "must not be an object of the one member %s, which is the host's", SealedMember)
		}
		return nil, false, nil
	})
	return wrong.Err(op, "The settings can't be used like this.")
}

// eachSetting visits the properties of settings and of the objects inside them.
// What visit replaces a property with takes its place; that, and what is sealed,
// is not looked into.
func eachSetting(schema, object map[string]any, path []string, visit func(path []string, property map[string]any, value any) (any, bool, error)) error {
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range object {
		property, _ := properties[name].(map[string]any)
		path := append(path[:len(path):len(path)], name)
		replacement, replaced, err := visit(path, property, value)
		if err != nil {
			return err
		}
		inner, isObject := value.(map[string]any)
		switch {
		case replaced:
			object[name] = replacement
		case isObject && !IsSealed(value):
			if err := eachSetting(property, inner, path, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// WithoutSealed returns settings without the values that are sealed.
func WithoutSealed(settings json.RawMessage) (json.RawMessage, error) {
	const op = "core.WithoutSealed"
	_, object, err := settingsTree(nil, settings)
	if err != nil {
		return nil, Wrap(op, Internal, err)
	}
	dropSealed(object)
	left, err := json.Marshal(object)
	return left, Wrap(op, Internal, err)
}

func dropSealed(object map[string]any) {
	for name, value := range object {
		if IsSealed(value) {
			delete(object, name)
		} else if inner, ok := value.(map[string]any); ok {
			dropSealed(inner)
		}
	}
}
