package sdk

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"time"
	"unsafe"

	"github.com/carrel-dev/carrel/core/abi"
)

// decode reads an abi.Invocation, but for what most handlers never ask for: that
// is read when it is. encoding/json would take longer for it than
// most handlers for all they do: it would look at each byte of a body twice, and
// make a map of headers nobody asks for.
func (c *Ctx) decode(input []byte) bool {
	s := scan(input)
	v := &c.invocation
	for s.enter('{'); s.more('}'); {
		switch s.name() {
		case "id":
			v.ID = s.string()
		case "kind":
			v.Kind = abi.Kind(s.string())
		case "handler":
			v.Handler = s.string()
		case "trigger":
			v.Trigger = abi.Trigger(s.string())
		case "attempt":
			v.Attempt = int(s.integer())
		case "now":
			c.now = s.skip()
		case "seed":
			c.seed = s.skip()
		case "actor":
			c.actor = s.skip()
		case "publicUrl":
			v.PublicURL = s.string()
		case "idempotencyKey":
			v.IdempotencyKey = s.string()
		case "request":
			v.Request = c.request(&s)
		case "event":
			v.Event = s.event()
		case "payload":
			v.Payload = s.raw()
		default:
			s.skip()
		}
	}
	return !s.bad
}

// request reads an abi.Request, all but its headers.
func (c *Ctx) request(s *scanner) *abi.Request {
	r := new(abi.Request)
	for s.enter('{'); s.more('}'); {
		switch s.name() {
		case "method":
			r.Method = s.string()
		case "path":
			r.Path = s.string()
		case "params":
			r.Params = s.strings()
		case "query":
			r.Query = s.strings()
		case "headers":
			c.sent = s.skip()
		case "body":
			r.Body = c.body(s)
		case "raw":
			r.Raw = s.base64()
		default:
			s.skip()
		}
	}
	return r
}

// body goes past the request's body and returns its bytes. Where the handler is
// known and takes what is plain, it is read on the way: each byte is then looked
// at once.
func (c *Ctx) body(s *scanner) json.RawMessage {
	h := c.handler()
	if h == nil || h.raw || h.plainIn == nil {
		return s.raw()
	}
	in := reflect.New(h.in)
	r := plainReader{text: s.text, at: s.at}
	if s.peek() != '{' || !r.value(h.plainIn, in.UnsafePointer()) {
		return s.raw()
	}
	start := s.at
	s.at, c.in = r.at, in
	return json.RawMessage(unsafe.Slice(unsafe.StringData(s.text[start:]), s.at-start))
}

// handler is the one that is called; nil while it is not known, and when there is
// none of that name.
func (c *Ctx) handler() *handler {
	if plugin == nil {
		return nil
	}
	return plugin.handlers[c.invocation.Handler]
}

func (s *scanner) actor() (a abi.Actor) {
	for s.enter('{'); s.more('}'); {
		switch s.name() {
		case "type":
			a.Type = s.string()
		case "id":
			a.ID = s.string()
		case "role":
			a.Role = s.string()
		default:
			s.skip()
		}
	}
	return a
}

func (s *scanner) event() *abi.Event {
	e := new(abi.Event)
	for s.enter('{'); s.more('}'); {
		switch s.name() {
		case "specversion":
			e.SpecVersion = s.string()
		case "id":
			e.ID = s.string()
		case "type":
			e.Type = s.string()
		case "source":
			e.Source = s.string()
		case "time":
			e.Time = s.time()
		case "data":
			e.Data = s.raw()
		case "dataversion":
			e.DataVersion = int(s.integer())
		case "carrelcause":
			e.Cause = s.string()
		case "carrelhop":
			e.Hop = int(s.integer())
		default:
			s.skip()
		}
	}
	return e
}

func (s *scanner) time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, s.string())
	s.bad = s.bad || err != nil
	return t
}

// raw goes past a value and returns its bytes, those of the text.
func (s *scanner) raw() json.RawMessage {
	value := s.skip()
	return unsafe.Slice(unsafe.StringData(value), len(value))
}

func (s *scanner) base64() []byte {
	b, err := base64.StdEncoding.DecodeString(s.string())
	s.bad = s.bad || err != nil
	return b
}
