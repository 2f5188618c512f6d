package sdk

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/carrel-dev/carrel/core/abi"
)

// handler is a registered function, of one of the shapes in doc.go.
type handler struct {
	name    string
	kind    abi.Kind
	fn      reflect.Value
	in, out reflect.Type // nil: none
	raw     bool         // the body is bytes, for Ctx.Body

	// What is known of both from the start, so that no call has to find it out.
	strict   bool    // in decodes itself strictly
	fields   []field // of in, if it is a struct whose members are read one by one
	bytes    bool    // out may be Bytes
	passes   bool    // out may be JSON already
	plainIn  *plain  // nil unless it is
	plainOut *plain
}

// newHandler checks a function's shape. It panics on a wrong one, when the
// plugin starts, naming the place.
func newHandler(name string, kind abi.Kind, function any) *handler {
	fn := reflect.ValueOf(function)
	if function == nil || fn.Kind() != reflect.Func {
		panic("sdk: " + name + ": the handler must be a function")
	}
	t := fn.Type()
	wrong := func() {
		panic("sdk: " + name + ": the handler must be a func(*sdk.Ctx[, In]) ([Out, ]error), not a " + t.String())
	}
	if t.NumIn() < 1 || t.NumIn() > 2 || t.NumOut() < 1 || t.NumOut() > 2 || t.IsVariadic() ||
		t.In(0) != reflect.TypeFor[*Ctx]() || t.Out(t.NumOut()-1) != reflect.TypeFor[error]() {
		wrong()
	}
	h := &handler{name: name, kind: kind, fn: fn}
	if t.NumIn() == 2 {
		h.in = t.In(1)
		h.strict = reflect.PointerTo(h.in).Implements(reflect.TypeFor[strictDecoder]())
		if h.in.Kind() == reflect.Struct {
			fields := fieldsOf(h.in) // panics on a bad tag
			if !h.strict {
				h.fields = fields
			}
		}
		if !h.strict {
			h.plainIn = plainOf(h.in)
		}
	}
	if t.NumOut() == 2 {
		h.out = t.Out(0)
		h.plainOut = plainOf(h.out)
		open := h.out.Kind() == reflect.Interface
		h.bytes = open || h.out == bytesType
		h.passes = open || h.out.Implements(reflect.TypeFor[passthrough]())
	}
	return h
}

// call binds the input, runs the function and encodes its answer.
func (h *handler) call(c *Ctx) (*response, error) {
	arguments := []reflect.Value{reflect.ValueOf(c)}
	if h.in != nil {
		in := c.in
		if !in.IsValid() {
			in = reflect.New(h.in)
		}
		if err := h.bind(c, in); err != nil {
			return nil, err
		}
		arguments = append(arguments, in.Elem())
	}
	results := h.fn.Call(arguments)
	if err, _ := results[len(results)-1].Interface().(error); err != nil {
		return nil, err
	}
	if h.out == nil {
		return nil, nil
	}
	if h.bytes {
		if raw, ok := results[0].Interface().(Bytes); ok {
			c.bytes = &raw
			return nil, nil
		}
	}
	if h.passes {
		if done, ok := results[0].Interface().(passthrough); ok {
			return done.passthrough(), nil
		}
	}
	if h.plainOut == nil {
		encoded, err := marshal(results[0])
		return ofBytes(encoded), err
	}
	encoded, err := h.plainOut.append(make([]byte, 0, usualBody), results[0])
	return ofBytes(encoded), err
}

// bind fills in, a pointer to the handler's In.
func (h *handler) bind(c *Ctx, in reflect.Value) error {
	if event := c.invocation.Event; event != nil {
		if h.plainIn.read(event.Data, in, true) {
			return nil
		}
		if err := json.Unmarshal(event.Data, in.Interface()); err != nil {
			return &abi.Error{Kind: kindInvalid, Message: "The data of " + event.Type + " is not what the listener takes: " + err.Error()}
		}
		return nil
	}
	request := c.invocation.Request
	if request == nil {
		if len(c.invocation.Payload) == 0 {
			return nil
		}
		return h.decode(c.invocation.Payload, in, "payload").err()
	}
	var wrong violations
	switch {
	case h.raw, c.in.IsValid():
	case len(request.Body) > 0:
		wrong = h.decode(request.Body, in, "body")
	case h.readsBody():
		wrong.add("body", "is missing: this route takes JSON")
	}
	if wrong != nil {
		return wrong.err()
	}
	for i := range h.fields {
		f := &h.fields[i]
		if f.source == "body" && (h.raw || !f.bounded()) {
			continue
		}
		target := in.Elem().FieldByIndex(f.index)
		if f.source != "body" {
			text, sent := request.Params[f.Name], true
			if f.source == "query" {
				text, sent = request.Query[f.Name]
			}
			if sent && !parse(text, target) {
				wrong.add(f.source+"."+f.Name, "must be of type %s", f.Type)
				continue
			}
		}
		f.check(target, f.source, &wrong)
	}
	if len(request.Query) > 0 && h.readsQuery() {
		for _, name := range sortedKeys(request.Query) {
			if f := fieldNamed(h.fields, name); f == nil || f.source != "query" {
				wrong.add("query."+name, "is not a known parameter")
			}
		}
	}
	return wrong.err()
}

// decode reads a JSON text into in, strictly.
func (h *handler) decode(data []byte, in reflect.Value, location string) violations {
	if h.plainIn.read(data, in, false) {
		return nil
	}
	return decodeStrict(data, in, location)
}

// readsBody reports whether the handler's In has anything to take from a body.
func (h *handler) readsBody() bool {
	if h.in == nil || h.raw {
		return false
	}
	for i := range h.fields {
		if h.fields[i].source == "body" {
			return true
		}
	}
	return h.fields == nil && (h.in.Kind() != reflect.Struct || h.in.NumField() > 0)
}

func (h *handler) readsQuery() bool {
	for i := range h.fields {
		if h.fields[i].source == "query" {
			return true
		}
	}
	return false
}

// parse reads a path or query parameter into a field.
func parse(text string, target reflect.Value) bool {
	switch kind := target.Kind(); {
	case kind == reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		return parse(text, target.Elem())
	case kind == reflect.String:
		target.SetString(text)
		return true
	case kind == reflect.Bool:
		b, err := strconv.ParseBool(text)
		target.SetBool(b)
		return err == nil
	default:
		return json.Unmarshal([]byte(text), target.Addr().Interface()) == nil
	}
}

// describe derives a route's schemas and query parameters from its handler.
func (h *handler) describe(route *abi.Route) {
	for _, f := range h.fields {
		if f.source == "query" {
			route.Query = append(route.Query, abi.Parameter{Name: f.Name, Doc: f.Doc})
		}
	}
	if h.readsBody() {
		route.Request = schemaJSON(h.in)
	}
	if h.out == nil || h.out == bytesType {
		return
	}
	route.Response = schemaJSON(h.out)
	if listed, ok := reflect.Zero(h.out).Interface().(interface{ listParameters() []abi.Parameter }); ok {
		route.Query = append(route.Query, listed.listParameters()...)
	}
}
