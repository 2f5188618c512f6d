package console

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

const settingsSchema = `{"type":"object","required":["from","smtp"],"properties":{
	"from":{"type":"string","format":"email","title":"Sender","description":"Who mail is from"},
	"site":{"type":"string","format":"uri"},
	"rate":{"type":"integer","default":60},
	"live":{"type":"boolean","default":true},
	"mode":{"type":"string","enum":["a","b"]},
	"level":{"enum":[1,2]},
	"hosts":{"type":"array","items":{"type":"string"}},
	"rules":{"type":"array","items":{"type":"object"}},
	"key":{"type":"string","secret":true},
	"smtp":{"type":"object","required":["host"],"properties":{"host":{"type":"string"},"port":{"type":"integer"},"password":{"type":"string","secret":true}}},
	"proxy":{"type":"object","properties":{"host":{"type":"string"}}}}}`

func formFor(t *testing.T, settings string, secrets ...string) *settingsForm {
	t.Helper()
	f, err := newForm(json.RawMessage(settingsSchema), json.RawMessage(settings), secrets)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// flat are a form's fields by path, those in groups included.
func flat(fields []formField) map[string]formField {
	all := map[string]formField{}
	for _, f := range fields {
		all[f.Path] = f
		for path, inner := range flat(f.Children) {
			all[path] = inner
		}
	}
	return all
}

func TestASettingsFormShowsEachKindOfProperty(t *testing.T) {
	f := formFor(t, `{"from":"a@b.example","hosts":["x","y"],"rules":[{"if":1}],"live":false,"smtp":{"host":"h"}}`, "smtp.password")
	got := flat(f.fields())
	for path, want := range map[string]formField{
		"from":          {Title: "Sender", Doc: "Who mail is from", Control: controlEmail, Value: "a@b.example", Required: true},
		"site":          {Title: "Site", Control: controlURL},
		"rate":          {Title: "Rate", Control: controlNumber, Value: "60"},
		"live":          {Title: "Live", Control: controlSwitch, Value: "false"},
		"mode":          {Title: "Mode", Control: controlChoice},
		"level":         {Title: "Level", Control: controlChoice},
		"hosts":         {Title: "Hosts", Control: controlLines, Value: "x\ny"},
		"rules":         {Title: "Rules", Control: controlJSON, Value: "[\n  {\n    \"if\": 1\n  }\n]"},
		"key":           {Title: "Key", Control: controlSecret},
		"smtp":          {Title: "Smtp", Control: controlGroup, Required: true},
		"smtp.host":     {Title: "Host", Control: controlText, Value: "h", Required: true},
		"smtp.password": {Title: "Password", Control: controlSecret, Set: true},
		"proxy.host":    {Title: "Host", Control: controlText},
	} {
		have := got[path]
		if have.Title != want.Title || have.Doc != want.Doc || have.Control != want.Control || have.Value != want.Value ||
			have.Required != want.Required || have.Set != want.Set {
			t.Errorf("%s is %+v, want %+v", path, have, want)
		}
	}
	if first := f.fields()[0].Path; first != "from" {
		t.Errorf("the first field is %s, not a required one", first)
	}
}

func TestASettingsFormIsReadAsAPatch(t *testing.T) {
	for _, c := range []struct {
		name, settings string
		secrets        []string
		typed          map[string]string
		want           string
	}{
		{"a little", `{}`, nil, map[string]string{"from": "x@y.example", "smtp.host": "h"},
			`{"from":"x@y.example","hosts":null,"level":null,"live":false,"mode":null,"rate":null,"rules":null,"site":null,"smtp":{"host":"h","port":null}}`},
		{"a lot", `{}`, nil, map[string]string{"from": "x", "rate": "7", "live": "true", "mode": "b", "level": "2", "hosts": " a \n\nb", "rules": "[{}]",
			"key": "k", "smtp.host": "h", "smtp.port": "25", "smtp.password": "p", "proxy.host": "q", "unknown": "z"},
			`{"from":"x","hosts":["a","b"],"key":"k","level":2,"live":true,"mode":"b","proxy":{"host":"q"},"rate":7,"rules":[{}],"site":null,` +
				`"smtp":{"host":"h","password":"p","port":25}}`},
		{"a secret is removed", `{}`, []string{"key"}, map[string]string{"remove.key": "true"},
			`{"from":null,"hosts":null,"key":null,"level":null,"live":false,"mode":null,"rate":null,"rules":null,"site":null,"smtp":{"host":null,"port":null}}`},
	} {
		patch, err := formFor(t, c.settings, c.secrets...).read(c.typed)
		if err != nil || string(patch) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.name, err, patch, c.want)
		}
	}
	settings, err := formFor(t, `{}`).readNew(map[string]string{"from": "x", "smtp.host": ""})
	if err != nil || string(settings) != `{"from":"x","live":false,"smtp":{}}` {
		t.Errorf("new settings are %s (%v)", settings, err)
	}
}

// What was wrong is said at its field, with what was typed; but no secret comes
// back.
func TestASettingsFormSaysWhatIsWrongWhereItIs(t *testing.T) {
	f := formFor(t, `{}`)
	typed := map[string]string{"rate": "many", "rules": "{", "level": "3", "key": "hidden", "smtp.host": "h"}
	_, err := f.read(typed)
	if core.KindOf(err) != core.Invalid {
		t.Fatalf("it is %v", err)
	}
	problem := &problemView{}
	f.blame(problem, err)
	got := flat(f.fields())
	for path, says := range map[string]string{"rate": "is not a number", "rules": "is not JSON", "level": "is not one of the choices"} {
		if got[path].Problem != says {
			t.Errorf("%s: %q", path, got[path].Problem)
		}
	}
	if got["rate"].Value != "many" || got["key"].Value != "" || got["live"].Value != "" {
		t.Errorf("what was typed comes back as %+v", got)
	}
	var wrong core.Violations
	wrong.Add("settings.hosts[2]", "is too long")
	wrong.Add("body.settings.smtp.host.deep", "is odd")
	wrong.Add("grants.data", "is not granted")
	f.blame(problem, wrong.Err("test", "no"))
	if got = flat(f.fields()); got["hosts"].Problem != "is too long" || got["smtp.host"].Problem != "is odd" {
		t.Errorf("at the fields: %q %q", got["hosts"].Problem, got["smtp.host"].Problem)
	}
	if len(problem.Places) != 1 || !strings.Contains(problem.Places[0], "is not granted") {
		t.Errorf("at the top: %q", problem.Places)
	}
	var html strings.Builder
	if err := formFields(f.fields()).Render(t.Context(), &html); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(html.String(), "hidden\"") || !strings.Contains(html.String(), `aria-describedby="setting.rate-problem"`) ||
		!strings.Contains(html.String(), `id="setting.rate-problem"`) {
		t.Errorf("the form is %s", html.String())
	}
}
