package console

import (
	"net/url"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// refusedCall is a call that was refused, with what was sent.
type refusedCall struct {
	Call    call
	Fields  url.Values
	Message string
	Faults  core.Violations
	Shown   bool // by the form it came from
}

// of is the refused call, if it was made with a form that calls this.
func (r *refusedCall) of(c call) *refusedCall {
	if r == nil || r.Shown || r.Call.Form != c.Form || r.Call.Method != c.Method || r.Call.Path != c.Path {
		return nil
	}
	return r
}

// refill shows what was typed instead of what an input began with.
func (r *refusedCall) refill(in *question) {
	typed := r.Fields[in.Name]
	if in.Kind == "hidden" {
		return
	}
	in.Value, in.Currency = "", cutText(r.Fields.Get(in.Name+".currency"), maxText)
	if in.Kind == "checkbox" {
		in.Value = "false"
	}
	if len(typed) > 0 {
		in.Value = cutText(typed[0], maxProse)
	}
	for i, o := range in.Options {
		in.Options[i].On = slices.Contains(typed, o.Value) || in.Kind == "money" && o.Value == in.Currency
	}
}

// fault is what is wrong with an input, or with a part of its value.
func (r *refusedCall) fault(name string) string {
	for _, v := range r.Faults {
		if at, ok := strings.CutPrefix(v.Location, "body."+name); ok && (at == "" || at[0] == '.' || at[0] == '[') {
			return v.Message
		}
	}
	return ""
}

// elsewhere are the faults no input of the form shows.
func (r *refusedCall) elsewhere() (places []string) {
	for _, v := range r.Faults {
		name := strings.TrimPrefix(v.Location, "body.")
		if cut := strings.IndexAny(name, ".["); cut >= 0 {
			name = name[:cut]
		}
		shows := func(in [2]string) bool { return in[0] == name && in[1] != string(ui.Hidden) }
		if !r.Shown || !strings.HasPrefix(v.Location, "body.") || !slices.ContainsFunc(r.Call.Inputs, shows) {
			places = append(places, name+": "+v.Message)
		}
	}
	return places
}
