package console

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/sdk/ui"
)

// form is what asks: a form, a filter, an upload.
type form struct {
	Action string // of a filter: the page
	Call   string // as JSON
	Button string
	Clear  string // of a filter that filters: the page without it
	Inputs []question
	Hidden []choice   // of a filter: what the address keeps
	Accept string     // upload
	Check  question   // upload; without a name there is none
	Fault  string     // what was wrong with it as a whole
	Faults []question // the inputs with one
}

// question asks for one value.
type question struct {
	ID       string
	Name     string
	Label    string
	Help     string
	Kind     string // text, email, number, money, date, datetime-local, textarea, select, checkbox, checks, hidden
	Value    string
	Currency string // money
	Options  []choice
	Required bool
	Max      int
	Fault    string
}

// button does something by calling a route of the plugin.
type button struct {
	Label   string
	Call    string // as JSON
	Confirm string
	Danger  bool
}

var (
	routePattern = regexp.MustCompile(`^(POST|PUT|PATCH|DELETE) (/|(/[A-Za-z0-9_-]+)+)$`)
	inputPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
)

// routeOf splits a route of the plugin.
func routeOf(route string) (method, path string, ok bool) {
	method, path, _ = strings.Cut(route, " ")
	return method, path, len(path) <= maxPath && routePattern.MatchString(route)
}

// lame is a component that cannot do what it says, with the reason for the
// plugin's author.
func lame(n *node, format string, args ...any) {
	*n = node{Type: "text", Level: n.Level, Text: n.Title + ": " + fmt.Sprintf(format, args...)}
}

func (p *parser) action(n *node, from ui.Node) {
	b := p.buttonOf(from, from.Route, from.Then, from.Values)
	if b == nil {
		lame(n, "this button calls no route of the plugin.")
		return
	}
	n.Button = b
}

// rowButton is a button of one row, or nil where the row has none.
func (p *parser) rowButton(from ui.Node, members map[string]any) *button {
	if from.When != nil && !slices.Contains(from.When.Is, rawText(members[from.When.Key])) {
		return nil
	}
	method, path, _ := strings.Cut(from.Route, " ")
	if path = expand(path, members); path == "" {
		return nil
	}
	then := ""
	if from.Then != "" {
		then = expand(from.Then, members)
	}
	return p.buttonOf(from, method+" "+path, then, from.Values)
}

// buttonOf is a button that calls a route, or nil if that is none.
func (p *parser) buttonOf(from ui.Node, route, then string, values map[string]any) *button {
	method, path, ok := routeOf(route)
	if !ok {
		return nil
	}
	c := call{Method: method, Path: path, Then: thenOf(then)}
	if len(values) > 0 {
		if c.Body = encode(values); len(c.Body) > maxValues {
			return nil
		}
	}
	p.calls = true
	return &button{Label: p.short(from.Title), Call: p.call(c), Confirm: p.short(from.Confirm), Danger: from.Tone == ui.Danger}
}

// thenOf is the page to show afterwards, which may hold members of the answer.
func thenOf(path string) string {
	if !isPluginPath(placeholder.ReplaceAllString(path, "x")) {
		return ""
	}
	return path
}

// call is the JSON of a call, counted.
func (p *parser) call(c call) string {
	text := string(encode(c))
	p.bytes += len(text)
	return text
}

// nextID is the id of the next form.
func (p *parser) nextID() string {
	p.forms++
	return "form-" + strconv.Itoa(p.forms)
}

// form asks for values to be sent to a route.
func (p *parser) form(n node, from ui.Node) (node, error) {
	method, path, ok := routeOf(from.Route)
	if !ok || method == "DELETE" {
		lame(&n, "this form sends to no route of the plugin.")
		return n, nil
	}
	n.ID, n.Text = p.nextID(), p.text(from.Text, maxProse)
	f := &form{Button: p.short(from.Button)}
	c := call{Method: method, Path: path, Then: thenOf(from.Then), Form: n.ID}
	refused := p.Refused.of(c)
	row, _ := from.Row.(map[string]any)
	if err := p.inputs(f, n.ID, from.Inputs, func(from ui.Input) any {
		if from.Value != nil {
			return from.Value
		}
		return row[from.Name]
	}, refused); err != nil {
		return n, err
	}
	for i, in := range f.Inputs {
		c.Inputs = append(c.Inputs, [2]string{in.Name, string(from.Inputs[i].Format)})
		if in.Fault != "" {
			f.Faults = append(f.Faults, in)
		}
	}
	f.Call = p.call(c)
	if refused != nil {
		f.Fault = refused.Message
		refused.Shown = true
	}
	n.Form = f
	return n, nil
}

// filter asks for values to become parameters of the page.
func (p *parser) filter(n node, from ui.Node) (node, error) {
	n.ID = p.nextID()
	f := &form{Action: p.Page, Button: p.short(from.Button)}
	clear := map[string]string{"cursor": ""}
	kept := []string{"tab", "sort"}
	var asked []ui.Input
	for _, in := range from.Inputs {
		switch {
		case slices.Contains(reserved, in.Name):
			lame(&n, "the filter's input %q has a name the console uses itself.", cutText(in.Name, maxText))
			return n, nil
		case in.Format == ui.Hidden:
			kept = append(kept, in.Name)
		default:
			asked = append(asked, in)
		}
	}
	if err := p.inputs(f, n.ID, asked, func(from ui.Input) any { return p.Query[from.Name] }, nil); err != nil {
		return n, err
	}
	filters := false
	for i := range f.Inputs {
		f.Inputs[i].Required = false
		name := f.Inputs[i].Name
		clear[name] = ""
		filters = filters || p.Query[name] != ""
	}
	for _, name := range kept {
		if value := p.Query[name]; value != "" && len(f.Hidden) < maxInputs {
			f.Hidden = append(f.Hidden, choice{Label: name, Value: p.short(value)})
		}
	}
	if filters {
		f.Clear = p.here(clear)
	}
	n.Form = f
	return n, nil
}

func (p *parser) upload(n *node, from ui.Node) {
	if !isPluginPath(from.Path) {
		lame(n, "this form sends to no route of the plugin.")
		return
	}
	n.ID, n.Text = p.nextID(), p.text(from.Text, maxProse)
	n.Form = &form{
		Call:   p.call(call{Method: "POST", Path: from.Path, Then: thenOf(from.Then), Form: n.ID}),
		Button: p.short(from.Button), Accept: p.short(from.Accept),
	}
	if inputPattern.MatchString(from.Check.Name) {
		n.Form.Check = question{Name: from.Check.Name, Label: p.short(from.Check.Label)}
	}
}

// inputs reads those of a form. value is what each begins with, unless the form
// was sent before.
func (p *parser) inputs(f *form, id string, list []ui.Input, value func(ui.Input) any, refused *refusedCall) error {
	if len(list) > maxInputs {
		return p.tooLarge("The plugin's form has more than %d inputs.", maxInputs)
	}
	seen := map[string]bool{}
	for _, from := range list {
		if !inputPattern.MatchString(from.Name) || seen[from.Name] {
			return p.tooLarge("The plugin's form has an input %q; a name is letters, digits and underscores, "+
				"begins with a letter, is at most 63 long and there once.", cutText(from.Name, maxText))
		}
		seen[from.Name] = true
		if p.cells += len(from.Options) + 1; len(from.Options) > maxOptions || p.cells > maxCells {
			return p.tooLarge("The plugin's form has an input with more than %d options, or its page has too many together.", maxOptions)
		}
		in := question{
			ID: id + "-" + from.Name, Name: from.Name, Label: p.short(from.Label), Help: p.short(from.Help),
			Kind: kindOf(from), Required: from.Required, Max: max(from.Max, 0),
		}
		p.fill(&in, from, value(from))
		if refused != nil {
			refused.refill(&in)
			in.Fault = p.short(refused.fault(in.Name))
		}
		if !in.showable() {
			in.Value = ""
		}
		f.Inputs = append(f.Inputs, in)
	}
	return p.within()
}

// kindOf is how an input asks.
func kindOf(from ui.Input) string {
	choices := len(from.Options) > 0
	switch from.Format {
	case ui.Long:
		return "textarea"
	case ui.List:
		if choices {
			return "checks"
		}
		return "textarea"
	case ui.Bool:
		return "checkbox"
	case ui.Time:
		return "datetime-local"
	case ui.Email, ui.Number, ui.Money, ui.Date, ui.Hidden:
		return string(from.Format)
	}
	if choices {
		return "select"
	}
	return "text"
}

// fill puts a value into an input, and its options.
func (p *parser) fill(in *question, from ui.Input, value any) {
	in.Value = p.text(plain(value), maxProse)
	switch from.Format {
	case ui.Hidden:
		in.Value = string(encode(value))
		p.bytes += len(in.Value)
	case ui.Number:
		in.Value = p.short(rawNumber(value))
	case ui.Bool:
		in.Value = strconv.FormatBool(rawText(value) == "true")
	case ui.Money:
		money, _ := value.(map[string]any)
		in.Currency = p.short(plain(money["currency"]))
		in.Value = p.short(majorUnits(plain(money["amount"]), in.Currency))
	case ui.Time:
		if t, err := time.Parse(time.RFC3339, in.Value); err == nil {
			in.Value = t.In(p.Zone).Format(localLayout)
		}
	}
	chosen := []string{rawText(value)}
	switch list, _ := value.([]any); {
	case from.Format == ui.Money:
		chosen = []string{in.Currency}
	case from.Format == ui.List:
		chosen = nil
		for _, one := range list {
			chosen = append(chosen, rawText(one))
		}
		in.Value = p.text(strings.Join(chosen, "\n"), maxProse)
	}
	for _, o := range from.Options {
		value := p.short(o.Value)
		in.Options = append(in.Options, choice{Label: p.short(wordOf(o)), Value: value, On: slices.Contains(chosen, value)})
	}
}

// showable reports whether a browser can show the value: an input for a date
// takes nothing else.
func (in question) showable() bool {
	var err error
	switch in.Kind {
	case "date":
		_, err = time.Parse(time.DateOnly, in.Value)
	case "datetime-local":
		_, err = time.Parse(localLayout, in.Value)
	}
	return err == nil
}

// rawNumber is a number as it is typed.
func rawNumber(value any) string {
	if value == nil {
		return ""
	}
	return rawText(value)
}
