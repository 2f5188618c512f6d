package sdk

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// decoded reads an invocation by hand, and all that is read when it is asked for.
func decoded(t *testing.T, input []byte) (abi.Invocation, bool) {
	t.Helper()
	var c Ctx
	ok := c.decode(input)
	if c.sent != "" {
		var names map[string]string
		if err := json.Unmarshal([]byte(c.sent), &names); err != nil {
			t.Fatalf("headers %q: %v", c.sent, err)
		}
		for name := range names {
			names[name] = c.Header(name)
		}
		c.invocation.Request.Headers = names
	}
	for range 2 { // asked a second time it says the same
		c.invocation.Now, c.invocation.Actor = c.Now(), c.Actor()
	}
	if got, want := c.Rand().Uint64(), rand.New(rand.NewPCG(seedOf(t, input), 0)).Uint64(); ok && got != want {
		t.Errorf("%s: the first random number is %d, want %d", input, got, want)
	}
	c.invocation.Seed = seedOf(t, input)
	return c.invocation, ok
}

func seedOf(t *testing.T, input []byte) uint64 {
	var v struct{ Seed uint64 }
	if err := json.Unmarshal(input, &v); err != nil {
		t.Fatal(err)
	}
	return v.Seed
}

// The decoder by hand and encoding/json see the same in whatever the host sends.
func TestDecodeLikeEncodingJSON(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{"", "a", `"`, `\`, `\"`, "{", "}", "[", "]", ",", ":", "\n", "ü", "\u2028", "<&>", `"raw":"AAAA"`, `\u0041`}
	text := func() (s string) {
		for range random.IntN(5) {
			s += pieces[random.IntN(len(pieces))]
		}
		return s
	}
	object := func() map[string]string {
		var m map[string]string
		for range random.IntN(4) {
			if m == nil {
				m = map[string]string{}
			}
			m[text()] = text()
		}
		return m
	}
	value := func() json.RawMessage {
		b, _ := json.Marshal([]any{nil, true, -1.5e-7, text(), []any{text(), object(), []int{}}, map[string]any{"raw": "AAAA", text(): object()}}[random.IntN(6)])
		return b
	}
	for range 2000 {
		in := abi.Invocation{
			ID: text(), Kind: abi.Kind(text()), Handler: text(), Trigger: abi.TriggerEvent, Attempt: random.IntN(9), Seed: random.Uint64(),
			Now:   time.Unix(random.Int64N(4e9), random.Int64N(1e9)).UTC(),
			Actor: abi.Actor{Type: text(), ID: text(), Role: text()}, PublicURL: text(), IdempotencyKey: text(),
		}
		switch random.IntN(4) {
		case 0:
			in.Payload = value()
		case 1:
			in.Request = &abi.Request{Method: text(), Path: text(), Params: object(), Query: object(), Headers: object(), Body: value()}
		case 2:
			in.Request = &abi.Request{Headers: object(), Raw: []byte(text() + "\x00\xff")}
		}
		input, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if random.IntN(2) == 0 { // other hosts may indent
			var loose json.RawMessage = input
			if input, err = json.MarshalIndent(loose, " ", "\t"); err != nil {
				t.Fatal(err)
			}
		}
		var want abi.Invocation
		if err := json.Unmarshal(input, &want); err != nil {
			t.Fatal(err)
		}
		got, ok := decoded(t, input)
		if !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s:\n%+v, %v, want\n%+v", input, got, ok, want)
		}
	}
}

// No text makes the decoder panic or run on; half an invocation is none.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(rehearsal))
	f.Add([]byte(`{"request":{"raw":"AAAA"`))
	f.Add([]byte(`{"a":[}]`))
	f.Add([]byte(`{"id":"\`))
	f.Fuzz(func(t *testing.T, input []byte) {
		if ok := new(Ctx).decode(input); ok && len(input) == 0 {
			t.Error("nothing was decoded")
		}
		_, _ = readHead(input)
		_, _, _ = Page[address]{ofBytes(input)}.Docs()
	})
}

func TestHalfAnInvocationIsNone(t *testing.T) {
	for cut := range len(rehearsal) - 1 {
		if new(Ctx).decode([]byte(rehearsal[:cut])) {
			t.Errorf("%q was decoded", rehearsal[:cut])
		}
	}
	if !new(Ctx).decode([]byte(rehearsal)) {
		t.Error("the whole was not")
	}
}

// What is encoded by hand is what encoding/json would have made of it.
func TestEncodeLikeEncodingJSON(t *testing.T) {
	for _, q := range []abi.QueryRequest{
		{Table: "t"},
		{Table: `ü"\`, Sort: []string{"-a", "<b>"}, Limit: 20, Cursor: "c\n"},
		{Table: "t", Filter: []abi.Filter{{Field: "a", Op: "eq", Value: json.RawMessage(`"x"`)}, {Field: "b", Op: "gt", Value: json.RawMessage("1")}}, Sort: []string{"b"}},
	} {
		if want, _ := json.Marshal(q); string(encodeQuery(q)) != string(want) {
			t.Errorf("%s, want %s", encodeQuery(q), want)
		}
	}
	for _, v := range []any{"a", "\x00\xff<ü", ID("doc_1"), -5, true, nil, 1.5, []string{"x"}} {
		want, _ := json.Marshal(v)
		if got, err := encode(v); err != nil || string(got) != string(want) {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}

// Warming runs none of the plugin's code, asks no host, and leaves nothing that
// can be called; a marshaler that fails on an empty value harms nobody.
func TestWarmCallsNothing(t *testing.T) {
	before := plugin
	defer func() { plugin = before }()
	called := false
	table := Table[person]("people", "")
	plugin = &Declaration{
		handlers: map[string]*handler{
			"a": newHandler("a", abi.KindQuery, func(*Ctx, touchy) (touchy, error) { called = true; return touchy{}, nil }),
			"b": newHandler("b", abi.KindQuery, table.List),
		},
		tables: []TableDeclaration{table}, events: []EventDeclaration{Event[person]("people.seen", 1, "")}, settings: reflect.TypeFor[address](),
	}
	for _, h := range plugin.handlers {
		h.warm()
	}
	for range 2 {
		rehearse()
	}
	for _, d := range plugin.tables {
		d.warm()
	}
	for _, e := range plugin.events {
		e.warm()
	}
	if called || len(plugin.handlers) != 2 {
		t.Errorf("called: %v, %d handlers", called, len(plugin.handlers))
	}
}

// touchy is a type whose marshalers panic.
type touchy struct{ A string }

func (touchy) MarshalJSON() ([]byte, error) { panic("touchy") }

func (*touchy) UnmarshalJSON([]byte) error { panic("touchy") }

// A body that is read on the way is read once, is still there as it came, and hides
// nothing that follows; any other is left for later.
func TestBodyIsReadOnTheWay(t *testing.T) {
	before := plugin
	defer func() { plugin = before }()
	plugin = &Declaration{handlers: map[string]*handler{
		"plain": newHandler("plain", abi.KindQuery, func(*Ctx, address) error { return nil }),
		"none":  newHandler("none", abi.KindQuery, func(*Ctx) error { return nil }),
	}}
	for _, one := range []struct {
		handler, body string
		read          bool
	}{
		{"plain", `{"city":"Basel"}`, true},
		{"plain", `{ "city" : "Basel" }`, true},
		{"plain", `{"city":"B\u0061sel"}`, false},
		{"plain", `{"town":"Basel"}`, false},
		{"plain", `{"city":7}`, false},
		{"plain", `null`, false},
		{"none", `{"city":"Basel"}`, false},
		{"other", `{"city":"Basel"}`, false},
	} {
		var c Ctx
		ok := c.decode([]byte(`{"handler":"` + one.handler + `","request":{"body":` + one.body + `,"path":"/x"},"idempotencyKey":"k"}`))
		if !ok || c.in.IsValid() != one.read || string(c.Body()) != one.body || c.invocation.Request.Path != "/x" || c.IdempotencyKey() != "k" {
			t.Errorf("%s %s: %v, read %v, body %s, %+v", one.handler, one.body, ok, c.in.IsValid(), c.Body(), c.invocation)
		}
		if one.read && c.in.Interface().(*address).City != "Basel" {
			t.Errorf("%s is read as %+v", one.body, c.in)
		}
	}
}
