package api

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// List is a page of a list.
type List[T any] struct {
	Body struct {
		Data       []T    `json:"data" nullable:"false"`
		NextCursor string `json:"nextCursor,omitempty" doc:"Pass it as cursor to get the next page. Absent on the last page."`
	}
}

func list[T any](data []T, next string) *List[T] {
	l := new(List[T])
	l.Body.Data, l.Body.NextCursor = data, next
	if data == nil {
		l.Body.Data = []T{}
	}
	return l
}

// mapped is a page of views of what a service returned.
func mapped[S, T any](from []S, view func(S) T, next string) *List[T] {
	data := make([]T, len(from))
	for i, one := range from {
		data[i] = view(one)
	}
	return list(data, next)
}

// Paging is the part of an input that asks for a page.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many to answer at most."`
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before."`
}

// A cursor is the place where the page before ended, behind the name of its
// list: a position in an append-only log ("audit:17"), or the id of the last
// one ("evt_…").

// position reads a cursor that is a position in a list; 0 without a cursor.
func (p Paging) position(list string) (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	number, ok := strings.CutPrefix(p.decoded(), list+":")
	if at, err := strconv.ParseInt(number, 10, 64); ok && err == nil && at > 0 {
		return at, nil
	}
	return 0, badCursor()
}

// after reads a cursor that is an id with this prefix; "" without a cursor.
func (p Paging) after(prefix string) (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	if id := p.decoded(); core.ValidID(prefix, id) {
		return id, nil
	}
	return "", badCursor()
}

func (p Paging) decoded() string {
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return ""
	}
	return string(raw)
}

func badCursor() error {
	var wrong core.Violations
	wrong.Add("query.cursor", "is not the nextCursor of a page of this list")
	return wrong.Err("api.cursor", "Begin the list again without a cursor.")
}

// cursorAt is the cursor of a position; "" for 0, the end.
func cursorAt(list string, at int64) string {
	if at == 0 {
		return ""
	}
	return cursorAfter(list + ":" + strconv.FormatInt(at, 10))
}

func cursorAfter(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }
