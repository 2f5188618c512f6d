//go:build !wasip1

package sdk

import (
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core/abi"
)

// fakeHost does what the host does: a response is there until the next call, or
// kept; bytes go in and out, and are counted.
type fakeHost struct {
	t        *testing.T
	answers  map[abi.Op]string // to each operation, always the same
	room     int               // how many responses are kept
	request  []byte
	response []byte
	at       int
	kept     [][]byte
	asked    []string // requests of operations, in their order
	output   []byte
	in, out  int // bytes that went into and came out of the guest
}

// hosted puts a host in place for the test.
func hosted(t *testing.T, h *fakeHost) *fakeHost {
	h.t, host, current = t, h, nil
	t.Cleanup(func() { host, current = nil, nil })
	return h
}

func (h *fakeHost) write(b []byte) {
	h.request = append(h.request, b...)
	h.out += len(b)
}

func (h *fakeHost) call(op abi.Op) uint64 {
	request := h.request
	h.request, h.response, h.at = nil, nil, 0
	if op == abi.OpOutput {
		h.output = request
		return 0
	}
	h.asked = append(h.asked, string(request))
	h.response = []byte(h.answers[op])
	return uint64(len(h.response))
}

func (h *fakeHost) read(b []byte) uint32 {
	n := copy(b, h.response[h.at:])
	h.at += n
	h.in += n
	return uint32(n)
}

func (h *fakeHost) keep() uint32 {
	if len(h.kept) == h.room {
		return 0
	}
	h.kept = append(h.kept, h.response)
	h.response, h.at = nil, 0
	return uint32(len(h.kept))
}

func (h *fakeHost) splice(handle uint32) { h.request = append(h.request, h.of(handle)...) }

func (h *fakeHost) recall(handle uint32) uint32 {
	h.response, h.at = h.of(handle), 0
	return uint32(len(h.response))
}

func (h *fakeHost) of(handle uint32) []byte {
	if handle == 0 || int(handle) > len(h.kept) {
		h.t.Fatalf("the handle %d is none", handle)
	}
	return h.kept[handle-1]
}

// answered is what the host is given for an invocation.
func answered(t *testing.T, input []byte) []byte {
	t.Helper()
	h := hosted(t, &fakeHost{})
	serve(input).output()
	return h.output
}

const twoDocs = `{"data":[{"id":"doc_1","version":1,"city":"Basel"},{"id":"doc_2","version":2,"city":"B\u0065rn\"]"}],"nextCursor":"on"}`

// inHost runs a handler in a host, with room for so many kept responses.
func inHost(t *testing.T, room int, function any) *fakeHost {
	t.Helper()
	h := hosted(t, &fakeHost{room: room, answers: map[abi.Op]string{
		abi.OpInput:     `{"handler":"test","request":{"query":{"limit":"2"}}}`,
		abi.OpDataQuery: twoDocs, abi.OpDataGet: `{"id":"doc_1","version":1,"city":"Basel"}`, abi.OpDataCount: `{"count":7}`,
	}})
	before := plugin
	plugin = &Declaration{handlers: map[string]*handler{"test": newHandler("test", abi.KindQuery, function)}}
	t.Cleanup(func() { plugin = before })
	exchange()
	return h
}

// A handler that returns what a query answered never sees it.
func TestAPageIsPassedOn(t *testing.T) {
	h := inHost(t, 1, Table[address]("places", "").List)
	if got, want := string(h.output), `{"status":0,"body":`+twoDocs+`}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if want := []string{"", `{"table":"places","limit":2}`}; !slices.Equal(h.asked, want) {
		t.Errorf("asked %q, want %q", h.asked, want)
	}
	if input := len(h.answers[abi.OpInput]); h.in != input || h.out > 64 {
		t.Errorf("%d bytes in, %d out, of %d and %d", h.in, h.out, input, len(twoDocs))
	}
}

// Whatever the order in which responses are asked for, looked at and passed on,
// and however many the host keeps, each is itself.
func TestResponsesStayThemselves(t *testing.T) {
	places := Table[address]("places", "")
	for room := range 4 {
		h := inHost(t, room, func(c *Ctx) (RawDoc[address], error) {
			page, err := places.All().Page(c)
			if err != nil {
				return RawDoc[address]{}, err
			}
			first, err := places.Show(c)
			if err != nil {
				return first, err
			}
			second, err := places.Show(c)
			if err != nil {
				return second, err
			}
			if n, _, err := places.All().Count(c); n != 7 || err != nil {
				t.Errorf("count %d, %v", n, err)
			}
			docs, next, err := page.Docs()
			if err != nil || next != "on" || len(docs) != 2 || docs[0].ID != "doc_1" || docs[1].Body.City != `Bern"]` || docs[1].Version != 2 {
				t.Errorf("room %d: %+v, %q, %v", room, docs, next, err)
			}
			if id, err := first.ID(); id != "doc_1" || err != nil {
				t.Errorf("room %d: %s, %v", room, id, err)
			}
			return second, nil
		})
		if want := `{"status":0,"body":` + h.answers[abi.OpDataGet] + `}`; string(h.output) != want {
			t.Errorf("room %d: %s, want %s", room, h.output, want)
		}
	}
}

func TestRawDocsDecodeOnDemand(t *testing.T) {
	page := Page[address]{ofBytes([]byte(twoDocs))}
	docs, next, err := page.RawDocs()
	if err != nil || next != "on" || len(docs) != 2 {
		t.Fatalf("%d documents, %q, %v", len(docs), next, err)
	}
	var city string
	if found, err := docs[1].Field("city", &city); !found || err != nil || city != `Bern"]` {
		t.Errorf("%q, %v, %v", city, found, err)
	}
	if found, err := docs[0].Field("street", &city); found || err != nil {
		t.Errorf("a field that isn't there: %v, %v", found, err)
	}
	if _, err := docs[0].Field("version", &city); err == nil {
		t.Error("a number was decoded into a string")
	}
	for _, wrong := range []string{``, `{`, `[]`, `{"data":[`, `{"data":["`, `{"data":[}]`, `nope`} {
		if _, _, err := (Page[address]{ofBytes([]byte(wrong))}).Docs(); err == nil {
			t.Errorf("%q was taken for a page", wrong)
		}
		if _, err := (RawDoc[address]{ofBytes([]byte(strings.ReplaceAll(wrong, "data", "id")))}).ID(); err == nil {
			t.Errorf("%q was taken for a document", wrong)
		}
	}
}
