package client

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

// Work is one kind of request, the same for every contender.
type Work struct {
	Name   string
	Method string
	Body   func(to []byte, n int) []byte // appends the body of request n; nil: it has none
	// Wrong says what is wrong with the body of the answer to request n, or "".
	Wrong func(n int, body []byte) string
}

// Listed is how many documents a list answers, and Seeded how many there are.
const (
	Listed = 20
	Seeded = 1000
)

// The kinds of work. Seed is what fills the list; it is not measured.
var (
	Hook = Work{"hook", http.MethodPost, appendOrder, func(n int, body []byte) string {
		return lacks(body, fmt.Sprintf(`"total":%d`, total(n)), fmt.Sprintf(`"order":"A-%d"`, n))
	}}
	Insert = Work{"insert", http.MethodPost, appendPerson, func(n int, body []byte) string {
		return lacks(body, fmt.Sprintf(`"email":"reader%d@example.com"`, n), `"id":"`)
	}}
	List20 = Work{"list20", http.MethodGet, nil, func(_ int, body []byte) string {
		if got := bytes.Count(body, []byte(`"email":"reader`)); got != Listed {
			return fmt.Sprintf("it has %d people, not %d", got, Listed)
		}
		return lacks(body, `"email":"reader0@example.com"`, `"email":"reader19@example.com"`)
	}}
	Seed = Work{"seed", Insert.Method, Insert.Body, Insert.Wrong}
)

// Works are those that are measured.
var Works = []Work{Hook, Insert, List20}

// Path is where desk, and the handlers written by hand, take a kind of work.
func Path(w Work) string {
	return map[string]string{
		Hook.Name: "/receipt", Insert.Name: "/arrivals", List20.Name: "/contacts?limit=20", Seed.Name: "/contacts",
	}[w.Name]
}

// Status is what everybody answers.
func Status(w Work) int {
	if w.Name == Insert.Name || w.Name == Seed.Name {
		return http.StatusCreated
	}
	return http.StatusOK
}

// lacks says which of the parts a body has not.
func lacks(body []byte, parts ...string) string {
	for _, part := range parts {
		if !bytes.Contains(body, []byte(part)) {
			return "it lacks " + part
		}
	}
	return ""
}

// appendOrder is an order of three items.
func appendOrder(to []byte, n int) []byte {
	to = strconv.AppendInt(append(to, `{"order":"A-`...), int64(n), 10)
	to = strconv.AppendInt(append(to, `","email":"reader`...), int64(n), 10)
	to = append(to, `@example.com","items":[{"sku":"BOOK-1","quantity":2,"price":1999},{"sku":"BOOK-2","quantity":1,"price":3450},`...)
	to = strconv.AppendInt(append(to, `{"sku":"LAMP-7","quantity":`...), int64(n%9+1), 10)
	return append(to, `,"price":12900}]}`...)
}

// total is what the order comes to.
func total(n int) int { return 2*1999 + 3450 + (n%9+1)*12900 }

// appendPerson is a person with an address of their own.
func appendPerson(to []byte, n int) []byte {
	to = strconv.AppendInt(append(to, `{"email":"reader`...), int64(n), 10)
	to = strconv.AppendInt(append(to, `@example.com","name":"Reader `...), int64(n), 10)
	to = strconv.AppendInt(append(to, `","phone":"+49 30 `...), int64(1_000_000+n%1000), 10)
	return append(to, `","lifecycle":"customer","source":"library"}`...)
}
