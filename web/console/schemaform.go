package console

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// A settings schema is shown as a form: a field for each property, a group for
// each object inside. What a form has no field for, such as a list of objects,
// is written as JSON. maxGroups is how deep groups are nested; what is deeper
// is JSON, too.
const maxGroups = 4

// formField is a property as the page shows it.
type formField struct {
	Path     string // dotted: smtp.host
	Title    string
	Doc      string
	Control  control
	Value    string
	Choices  []string
	Required bool
	Set      bool // a secret that has a value, which nobody sees
	Problem  string
	Children []formField
}

// settingsForm is what a settings form is made of.
type settingsForm struct {
	root    property
	values  map[string]any    // the settings as they are, without secrets
	secrets []string          // dotted paths of those that are set
	typed   map[string]string // what was typed before, by path; nil: nothing
	faults  map[string]string // by path
}

// newForm reads a schema, which a manifest may leave out, and settings.
func newForm(schema, settings json.RawMessage, secrets []string) (*settingsForm, error) {
	const op = "console.newForm"
	f := &settingsForm{secrets: secrets, faults: map[string]string{}}
	if len(schema) > 0 {
		if err := json.Unmarshal(schema, &f.root); err != nil {
			return nil, core.Wrap(op, core.Internal, err)
		}
	}
	if len(settings) > 0 {
		if err := json.Unmarshal(settings, &f.values); err != nil {
			return nil, core.Wrap(op, core.Internal, err)
		}
	}
	return f, nil
}

// fields are those of the form.
func (f *settingsForm) fields() []formField { return f.below(f.root, "", f.values, 0) }

func (f *settingsForm) below(p property, prefix string, values map[string]any, depth int) (fields []formField) {
	for _, name := range p.names() {
		inner, path := p.Properties[name], prefix+name
		field := formField{
			Path: path, Title: inner.Title, Doc: inner.Description, Control: inner.control(depth),
			Required: slices.Contains(p.Required, name), Set: slices.Contains(f.secrets, path), Problem: f.faults[path],
		}
		if field.Title == "" {
			field.Title = spaced(name)
		}
		for _, choice := range inner.Enum {
			field.Choices = append(field.Choices, textOf(choice))
		}
		if field.Control == controlGroup {
			object, _ := values[name].(map[string]any)
			field.Children = f.below(inner, path+".", object, depth+1)
			fields = append(fields, field)
			continue
		}
		typed, again := f.typed[path]
		switch value, there := values[name]; {
		case field.Control == controlSecret:
		case again:
			field.Value = typed
		case f.typed != nil && field.Control == controlSwitch: // it was switched off
		case there:
			field.Value = shown(value, field.Control)
		case len(inner.Default) > 0:
			var preset any
			_ = json.Unmarshal(inner.Default, &preset) // of a schema that is JSON
			field.Value = shown(preset, field.Control)
		}
		fields = append(fields, field)
	}
	return fields
}

// shown is a value as its control holds it.
func shown(value any, c control) string {
	switch value := value.(type) {
	case string:
		if c != controlJSON {
			return value
		}
	case bool, float64:
		encoded, _ := json.Marshal(value)
		return string(encoded)
	case []any:
		if c != controlLines {
			break
		}
		lines := make([]string, len(value))
		for i, one := range value {
			lines[i], _ = one.(string)
		}
		return strings.Join(lines, "\n")
	}
	encoded, _ := json.MarshalIndent(value, "", "  ")
	return string(encoded)
}

// Names of form fields: that of a setting, and that of the box which removes a
// secret.
const (
	settingPrefix = "setting."
	removePrefix  = "remove."
)

// read turns what was typed into a merge patch of the settings: an empty field
// removes its setting, so that the default applies, but for a secret, which stays
// as it is. It fails with Invalid, at the fields, when something is no number or
// no JSON.
func (f *settingsForm) read(typed map[string]string) (json.RawMessage, error) {
	f.typed = typed
	var wrong core.Violations
	patch := f.patch(f.root, "", 0, f.values, &wrong)
	if err := wrong.Err("console.settings", "The settings can't be used like this."); err != nil {
		return nil, err
	}
	return json.Marshal(patch)
}

// readNew is read for settings that are not there yet: what is empty is left out.
func (f *settingsForm) readNew(typed map[string]string) (json.RawMessage, error) {
	patch, err := f.read(typed)
	if err != nil {
		return nil, err
	}
	var settings map[string]any
	if err := json.Unmarshal(patch, &settings); err != nil {
		return nil, core.Wrap("console.settings", core.Internal, err)
	}
	return json.Marshal(withoutNulls(settings))
}

func withoutNulls(object map[string]any) map[string]any {
	for name, value := range object {
		switch value := value.(type) {
		case nil:
			delete(object, name)
		case map[string]any:
			object[name] = withoutNulls(value)
		}
	}
	return object
}

func (f *settingsForm) patch(p property, prefix string, depth int, values map[string]any, wrong *core.Violations) map[string]any {
	patch := map[string]any{}
	for name, inner := range p.Properties {
		path := prefix + name
		text := f.typed[path]
		switch c := inner.control(depth); {
		case c == controlGroup:
			object, there := values[name].(map[string]any)
			below := f.patch(inner, path+".", depth+1, object, wrong)
			if there || slices.Contains(p.Required, name) || says(below) {
				patch[name] = below
			}
		case c == controlSwitch:
			patch[name] = text == "true"
		case c == controlSecret && text == "" && f.typed[removePrefix+path] != "true": // as it is
		case strings.TrimSpace(text) == "":
			patch[name] = nil
		default:
			value, fault := inner.parse(c, text)
			if fault != "" {
				wrong.Add("settings."+path, "%s", fault)
			}
			patch[name] = value
		}
	}
	return patch
}

// says reports whether a patch sets anything: a group that was left empty is not
// there.
func says(patch map[string]any) bool {
	for _, value := range patch {
		if value != nil && value != false {
			return true
		}
	}
	return false
}

// blame puts the violations of an error to the fields they are of, and returns
// the rest of it for the top of the page.
func (f *settingsForm) blame(problem *problemView, err error) {
	problem.Places = nil
	known := f.paths(f.root, "", 0)
	for _, v := range core.ViolationsOf(err) {
		at := strings.TrimPrefix(strings.TrimPrefix(v.Location, "body."), "settings.")
		path, _, _ := strings.Cut(at, "[")
		for ; path != "" && !slices.Contains(known, path); path, _, _ = cutLast(path) {
		}
		if path == "" {
			problem.Places = append(problem.Places, at+": "+v.Message)
		} else {
			f.faults[path] = v.Message
		}
	}
}

func (f *settingsForm) paths(p property, prefix string, depth int) (paths []string) {
	for name, inner := range p.Properties {
		paths = append(paths, prefix+name)
		if inner.control(depth) == controlGroup {
			paths = append(paths, f.paths(inner, prefix+name+".", depth+1)...)
		}
	}
	return paths
}

// cutLast cuts a dotted path before its last step.
func cutLast(path string) (before, last string, found bool) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// typedSettings are the fields of a settings form that was sent, by path; those
// that remove a secret under their own names.
func (v *visit) typedSettings() map[string]string {
	typed := map[string]string{}
	for key, value := range v.Context().PostArgs().All() {
		name := string(key)
		if path, ok := strings.CutPrefix(name, settingPrefix); ok {
			typed[path] = string(value)
		} else if strings.HasPrefix(name, removePrefix) {
			typed[name] = string(value)
		}
	}
	return typed
}
