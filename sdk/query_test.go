package sdk

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/carrel-dev/carrel/core/abi"
)

func TestListReadsTheQuery(t *testing.T) {
	table := Table[person]("people", "")
	c := &Ctx{invocation: abi.Invocation{Request: &abi.Request{Query: map[string]string{
		"filter[stage]": "lead", "filter[score][gte]": "5", "sort": "-score,-name", "limit": "20", "cursor": "c",
	}}}}
	q, err := table.Asked(c)
	if err != nil {
		t.Fatal(err)
	}
	want := abi.QueryRequest{
		Table: "people", Sort: []string{"-score", "-name"}, Limit: 20, Cursor: "c",
		Filter: []abi.Filter{{Field: "score", Op: "gte", Value: json.RawMessage("5")}, {Field: "stage", Op: "eq", Value: json.RawMessage(`"lead"`)}},
	}
	if !reflect.DeepEqual(q.request, want) {
		t.Errorf("%+v, want %+v", q.request, want)
	}
}

func TestListRefuses(t *testing.T) {
	for name, value := range map[string]string{
		"limit": "0", "filter[score]": "many", "filter[name][like]": "x", "filter[name": "x", "page": "2",
	} {
		c := &Ctx{invocation: abi.Invocation{Request: &abi.Request{Query: map[string]string{name: value}}}}
		_, err := Table[person]("people", "").Asked(c)
		failure, ok := errors.AsType[*abi.Error](err)
		if !ok || len(failure.Violations) != 1 || failure.Violations[0].Location != "query."+name {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

func TestIfMatch(t *testing.T) {
	for header, want := range map[string]int64{"": 0, "*": 0, `"42"`: 42, `W/"42"`: 42, "42": 42, "x": -1, `"0"`: -1} {
		sent, _ := json.Marshal(map[string]string{"accept": `"\{`, "if-match": header})
		c := &Ctx{sent: string(sent)}
		got, err := c.IfMatch()
		if want == -1 && !IsInvalid(err) || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: %d, %v", header, got, err)
		}
	}
}

func TestNativeHostCallPanics(t *testing.T) {
	expectPanic(t, "needs a host", func() { _, _ = Table[person]("people", "").Get(new(Ctx), "doc_1") })
}

func TestQueryLocatesTheRequest(t *testing.T) {
	for _, one := range []struct {
		asked          bool
		location, want string
	}{{false, "cursor", "query.cursor"}, {false, "filter", "filter"}, {true, "filter", "query.filter"}} {
		q := Table[person]("people", "").All()
		q.asked = one.asked
		failure := &abi.Error{Kind: "invalid", Violations: []abi.Violation{{Location: one.location}}}
		if err := q.locate(failure); !errors.Is(err, failure) || failure.Violations[0].Location != one.want {
			t.Errorf("%+v: %+v", one, failure.Violations)
		}
	}
}
