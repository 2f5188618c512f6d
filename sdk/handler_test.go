//go:build !wasip1

package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/carrel-dev/carrel/core/abi"
)

// answer runs a function as the handler of a request and returns the Response.
func answer(t *testing.T, function any, request abi.Request, raw bool) abi.Response {
	t.Helper()
	h := newHandler("test", abi.KindMutation, function)
	h.raw = raw
	before := plugin
	plugin = &Declaration{handlers: map[string]*handler{"test": h}}
	defer func() { plugin = before }()
	input, err := json.Marshal(abi.Invocation{Handler: "test", Trigger: abi.TriggerRequest, Request: &request})
	if err != nil {
		t.Fatal(err)
	}
	var response abi.Response
	if err := json.Unmarshal(answered(t, input), &response); err != nil {
		t.Fatal(err)
	}
	return response
}

func TestHandlerShapes(t *testing.T) {
	body := abi.Request{Body: json.RawMessage(`{"city":"Basel"}`)}
	for _, one := range []struct {
		name     string
		function any
		request  abi.Request
		want     string
	}{
		{"nothing in or out", func(*Ctx) error { return nil }, abi.Request{}, ``},
		{"in", func(c *Ctx, in address) error { c.SetStatus(202); return nil }, body, ``},
		{"out", func(*Ctx) (address, error) { return address{"Bern"}, nil }, abi.Request{}, `{"city":"Bern"}`},
		{"both", func(_ *Ctx, in address) (string, error) { return in.City, nil }, body, `"Basel"`},
		{"a list in", func(_ *Ctx, in []int) (int, error) { return len(in), nil }, abi.Request{Body: json.RawMessage(`[1,2]`)}, `2`},
		{"undecoded", func(*Ctx) (Page[address], error) { return Page[address]{ofBytes([]byte(`{"data": []}`))}, nil }, abi.Request{}, `{"data": []}`},
	} {
		got := answer(t, one.function, one.request, false)
		if got.Error != nil || string(got.Body) != one.want {
			t.Errorf("%s: %+v", one.name, got)
		}
	}
	for _, wrong := range []any{nil, 1, func() {}, func(*Ctx) {}, func(*Ctx) int { return 0 }, func(Ctx) error { return nil }, func(*Ctx, int, int) error { return nil }, func(*Ctx, ...int) error { return nil }} {
		expectPanic(t, "GET /: the handler must be a func", func() { newHandler("GET /", abi.KindQuery, wrong) })
	}
}

func TestBind(t *testing.T) {
	echo := func(_ *Ctx, in find) (map[string]any, error) {
		return map[string]any{"id": in.ID, "limit": in.Limit, "deep": in.Deep, "note": in.Note}, nil
	}
	got := answer(t, echo, abi.Request{
		Params: map[string]string{"id": "doc_1"}, Query: map[string]string{"limit": "5", "deep": "true"}, Body: json.RawMessage(`{"note":"hi"}`),
	}, false)
	if want := `{"deep":true,"id":"doc_1","limit":5,"note":"hi"}`; string(got.Body) != want {
		t.Errorf("bound %s, %+v", got.Body, got.Error)
	}

	raw := func(c *Ctx, in find) (string, error) { return string(c.Body()) + in.Note, nil }
	if got := answer(t, raw, abi.Request{Params: map[string]string{"id": "doc_1"}, Raw: []byte("{bytes")}, true); string(got.Body) != `"{bytes"` {
		t.Errorf("raw %s, %+v", got.Body, got.Error)
	}
}

// Bytes pass as they are, with the status and headers the handler set.
func TestBytes(t *testing.T) {
	page := func(c *Ctx) (Bytes, error) {
		c.SetStatus(404)
		c.SetHeader("x-note", "kept")
		return HTML("<p>\x00ü</p>"), nil
	}
	got := answer(t, page, abi.Request{}, true)
	if got.Status != 404 || string(got.Raw) != "<p>\x00ü</p>" || got.Body != nil ||
		got.Headers["content-type"] != "text/html" || got.Headers["x-note"] != "kept" {
		t.Errorf("%+v", got)
	}
	if got := answer(t, func(*Ctx) (Bytes, error) { return Bytes{Type: "text/csv"}, nil }, abi.Request{}, true); got.Raw == nil {
		t.Errorf("an empty file is no answer: %+v", got)
	}
	var route abi.Route
	newHandler("GET /page", abi.KindQuery, page).describe(&route)
	if route.Response != nil {
		t.Errorf("described as %s", route.Response)
	}
	before := plugin
	defer func() { plugin = before }()
	plugin = &Declaration{handlers: map[string]*handler{}}
	expectPanic(t, "only a route declared sdk.Raw", func() { plugin.Query("GET /page", page) })
}

func TestBindRefuses(t *testing.T) {
	type order struct {
		Name   string    `json:"name" carrel:"required"`
		Kind   string    `json:"kind" carrel:"enum=a|b"`
		Count  int       `json:"count"`
		Price  float64   `json:"price"`
		Places []address `json:"places" carrel:"max=2"`
		Doc    Doc[address]
	}
	take := func(*Ctx, order) error { return nil }
	seek := func(*Ctx, find) error { return nil }
	change := func(*Ctx, Partial[order]) error { return nil }
	for _, one := range []struct {
		name     string
		function any
		request  abi.Request
		want     []string
	}{
		{"no body", take, abi.Request{}, []string{"body: is missing: this route takes JSON"}},
		{"not an object", take, abi.Request{Body: json.RawMessage(`[]`)}, []string{"body: must be an object"}},
		{"every place", take, abi.Request{Body: json.RawMessage(`{"name":1,"count":1.5,"price":"x","nme":1,"places":[{"city":"a"},{"town":"b","city":2}]}`)}, []string{
			"body.count: must be a whole number", "body.name: must be a string", "body.nme: is not a known field",
			"body.places[1].city: must be a string", "body.places[1].town: is not a known field", "body.price: must be a number",
		}},
		{"rules", take, abi.Request{Body: json.RawMessage(`{"kind":"c","places":[{},{},{}]}`)}, []string{
			"body.name: is required", `body.kind: must be one of "a", "b"`, "body.places: has 3 items; at most 2 are allowed",
		}},
		{"path and query", seek, abi.Request{Body: json.RawMessage(`{"note":"toolong"}`), Query: map[string]string{"limit": "many", "dep": "1"}}, []string{
			"query.limit: must be of type int", "body.note: has 7 characters; at most 5 are allowed", "query.dep: is not a known parameter",
		}},
		{"a body cannot set the path", seek, abi.Request{Body: json.RawMessage(`{"id":"doc_2"}`)}, []string{"body.id: is not a known field"}},
		{"a patch", change, abi.Request{Body: json.RawMessage(`{"name":null,"kind":"c","count":"1","other":1,"price":null}`)}, []string{
			"body.count: must be a whole number", `body.kind: must be one of "a", "b"`, "body.name: is required and cannot be removed", "body.other: is not a known field",
		}},
	} {
		got := answer(t, one.function, one.request, false)
		if got.Error == nil || got.Error.Kind != "invalid" {
			t.Errorf("%s: %+v", one.name, got)
			continue
		}
		var said []string
		for _, v := range got.Error.Violations {
			said = append(said, v.Location+": "+v.Message)
		}
		if len(said) != len(one.want) {
			t.Errorf("%s: %q, want %q", one.name, said, one.want)
			continue
		}
		for i := range said {
			if said[i] != one.want[i] {
				t.Errorf("%s: %q, want %q", one.name, said[i], one.want[i])
			}
		}
	}
}

func TestErrorsReachTheHost(t *testing.T) {
	stale := &abi.Error{Kind: "conflict_stale", Message: "Somebody was faster."}
	if !IsStale(errors.Join(errors.New("while saving"), stale)) || IsStale(NotFound("nothing")) {
		t.Error("who was overtaken is not told")
	}
	for _, one := range []struct {
		err  error
		kind string
	}{
		{NotFound("no %s", "such"), "not_found"},
		{Violation("body.email", "is odd"), "invalid"},
		{errors.Join(errors.New("while saving"), stale), "conflict_stale"},
	} {
		got := answer(t, func(*Ctx) error { return one.err }, abi.Request{}, false)
		if got.Error == nil || got.Error.Kind != one.kind || got.Status != 0 {
			t.Errorf("%v: %+v", one.err, got)
		}
	}
}

func TestPartial(t *testing.T) {
	var p Partial[address]
	if wrong := p.decodeStrict([]byte(`{"city":"Basel"}`), "body"); wrong != nil {
		t.Fatal(wrong)
	}
	if !p.Has("city") || p.Has("street") || p.Empty() {
		t.Errorf("%+v", p)
	}
	if err := p.Set("city", "Bern"); err != nil {
		t.Fatal(err)
	}
	values, err := p.Values()
	if err != nil || values.City != "Bern" {
		t.Errorf("%+v, %v", values, err)
	}
}

func TestListeners(t *testing.T) {
	before := plugin
	defer func() { plugin = before }()
	plugin = nil
	moved := Event[address]("town.moved", 1, "Somebody moved")
	var heard []string
	hear := func(c *Ctx, in address) error {
		heard = append(heard, c.Event().Type, c.Event().ID, c.Event().Cause, in.City)
		return nil
	}
	Plugin("town", "1.0.0", nil).Emits(moved).On(moved, hear).On("order.paid", hear)
	if got, _ := json.Marshal(Manifest().Listens); string(got) != `[{"type":"town.moved","handler":"on town.moved"},{"type":"order.paid","handler":"on order.paid"}]` {
		t.Errorf("listens: %s", got)
	}
	for handler, data := range map[string]string{
		"on town.moved": `{"city":"Basel"}`,
		"on order.paid": `{"city":"Basel","since":"its next version"}`, // another plugin's: it adds to it when it likes
	} {
		heard = nil
		input, _ := json.Marshal(abi.Invocation{Handler: handler, Trigger: abi.TriggerEvent, Event: &abi.Event{
			SpecVersion: "1.0", ID: "evt_1", Type: "town.moved", Cause: "inv_1", Hop: 3, DataVersion: 2, Data: json.RawMessage(data),
		}})
		if got := answered(t, input); string(got) != `{"status":0}` || !slices.Equal(heard, []string{"town.moved", "evt_1", "inv_1", "Basel"}) {
			t.Errorf("%s answers %s and heard %v", handler, got, heard)
		}
	}
	input, _ := json.Marshal(abi.Invocation{Handler: "on order.paid", Event: &abi.Event{Type: "order.paid", Data: json.RawMessage(`{"city":7}`)}})
	var response abi.Response
	if err := json.Unmarshal(answered(t, input), &response); err != nil || response.Error == nil || response.Error.Kind != kindInvalid {
		t.Errorf("data of another shape: %+v, %v", response, err)
	}
	expectPanic(t, "takes a string, but the event's data is a sdk.address", func() { plugin.On(Event[address]("town.left", 1, ""), func(*Ctx, string) error { return nil }) })
	expectPanic(t, "a json.RawMessage or a map, not a sdk.address", func() { plugin.On("lms.*", hear) })
	expectPanic(t, "On takes an event", func() { plugin.On(7, hear) })
}

// A listener of many types takes data of any shape, and learns the type.
func TestListenersOfManyTypes(t *testing.T) {
	before := plugin
	defer func() { plugin = before }()
	plugin = nil
	var heard []string
	hear := func(c *Ctx, data string) error { heard = append(heard, c.Event().Type, data); return nil }
	Plugin("town", "1.0.0", nil).
		On("lms.*", func(c *Ctx, data json.RawMessage) error { return hear(c, string(data)) }).
		On("quiz.attempt.*", func(c *Ctx, data map[string]any) error { return hear(c, fmt.Sprint(data)) }).
		On("*", func(c *Ctx) error { return hear(c, "") })
	for _, c := range []struct{ handler, eventType, want string }{
		{"on lms.*", "lms.course.completed", `{"percent":7}`},
		{"on quiz.attempt.*", "quiz.attempt.passed", `map[percent:7]`},
		{"on *", "order.paid", ``},
	} {
		heard = nil
		input, _ := json.Marshal(abi.Invocation{Handler: c.handler, Trigger: abi.TriggerEvent, Event: &abi.Event{
			SpecVersion: "1.0", ID: "evt_1", Type: c.eventType, Data: json.RawMessage(`{"percent":7}`),
		}})
		if got := answered(t, input); string(got) != `{"status":0}` || !slices.Equal(heard, []string{c.eventType, c.want}) {
			t.Errorf("%s answers %s and heard %v", c.handler, got, heard)
		}
	}
}

func TestSchedules(t *testing.T) {
	before := plugin
	defer func() { plugin = before }()
	plugin = nil
	Plugin("town", "1.0.0", nil).
		Every("0 7 * * *", "digest", func(*Ctx) error { return nil }, Summary("Send the news")).
		EveryAction("*/5 * * * *", "poll", func(*Ctx) error { return nil })
	m := Manifest()
	if got, _ := json.Marshal([]any{m.Schedules, m.Jobs}); string(got) != `[[{"name":"digest","cron":"0 7 * * *","handler":"digest"},{"name":"poll","cron":"*/5 * * * *","handler":"poll"}],`+
		`[{"name":"digest","kind":"mutation","doc":"Send the news"},{"name":"poll","kind":"action"}]]` {
		t.Errorf("declared: %s", got)
	}
}
