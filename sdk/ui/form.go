package ui

// Input asks for one value of a form or a filter. Its Format and Options decide
// how: text in a line without either, one of several values with Options.
type Input struct {
	Name     string   `json:"name"` // the member sent; letters, digits and underscores, beginning with a letter
	Label    string   `json:"label"`
	Format   Format   `json:"format,omitempty"`
	Options  []Option `json:"options,omitempty"` // the values to choose from, at most 500; of Money, the currencies
	Value    any      `json:"value,omitempty"`   // what is there at first; of a filter, the address decides
	Required bool     `json:"required,omitempty"`
	Max      int      `json:"max,omitempty"`  // characters of a text
	Help     string   `json:"help,omitempty"` // a sentence below the label
}

// Along is an input that sends a value without showing it.
func Along(name string, value any) Input {
	return Input{Name: name, Format: Hidden, Value: value}
}

// Form asks for values, and sends them as a JSON object to route, "POST
// /contacts", a route of the plugin: POST, PUT or PATCH. In then, the page to
// show afterwards, ":id" stands for that member of the answer; an empty one
// shows this page again. When the route refuses, with violations at "body.email"
// and so on, the form is shown again with what was typed, and with each
// violation at its input.
func Form(title, route, then string, inputs ...Input) Node {
	return Node{Type: "form", Title: title, Route: route, Then: then, Inputs: inputs, Button: "Save", Fallback: title}
}

// Fill takes the values of a form's inputs from the members of an object, such
// as the document it changes. An input's own Value goes first.
func (n Node) Fill(row any) Node {
	n.Row = row
	return n
}

// Filter shows inputs above a table. They are sent as the page's query: the
// handler reads each with c.Query, as the text that was typed.
func Filter(inputs ...Input) Node {
	return Node{Type: "filter", Inputs: inputs, Button: "Apply", Fallback: "A filter" + cannotShow}
}

// Button does something: it calls route, "DELETE /contacts/doc_1", a route of
// the plugin: POST, PUT, PATCH or DELETE. With adds members to the JSON it
// sends; a button without any sends no body. Then may name the page to show
// afterwards; without it this page is shown again.
func Button(title, route string) Node {
	return Node{Type: "button", Title: title, Route: route, Fallback: title}
}

// Actions shows buttons and links side by side.
func Actions(buttons ...Node) Node {
	return Node{Type: "actions", Children: buttons, Fallback: "Buttons" + cannotShow}
}

// With adds a member to the JSON of a button, or a parameter to the query of a
// link.
func (n Node) With(name string, value any) Node {
	values := make(map[string]any, len(n.Values)+1)
	for k, v := range n.Values {
		values[k] = v
	}
	values[name] = value
	n.Values = values
	return n
}

// After sets the page to show once a button has done its work.
func (n Node) After(page string) Node {
	n.Then = page
	return n
}

// Asking makes a button ask a question first, and colours it as one to think
// about: "Delete this contact and its timeline?"
func (n Node) Asking(question string) Node {
	n.Confirm, n.Tone = question, Danger
	return n
}

// Only keeps a button of a table's rows to those whose member key has one of
// the values: Only("status", "draft", "paused").
func (n Node) Only(key string, values ...string) Node {
	n.When = &When{Key: key, Is: values}
	return n
}

// When picks rows by a member: a text, or a number or bool as its JSON.
type When struct {
	Key string   `json:"key"`
	Is  []string `json:"is"`
}

// Upload sends a file of at most 16 MiB to path, a raw POST route of the plugin,
// with its name as the query parameter fileName, and goes on to the page then.
func Upload(title, text, path, then string) Node {
	return Node{Type: "upload", Title: title, Text: text, Path: path, Then: then, Button: "Upload", Fallback: title}
}

// Check is a yes-or-no choice; a yes is sent as the query parameter Name=true.
type Check struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}
