package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

// work is one kind of request, the same for every contender.
type work struct {
	name   string
	method string
	body   func(to []byte, n int) []byte // appends the body of request n; nil: it has none
	// wrong says what is wrong with the body of the answer to request n, or "".
	wrong func(n int, body []byte) string
}

// listed is how many documents a list answers, and seeded how many there are.
const (
	listed = 20
	seeded = 1000
)

var (
	hook = work{"hook", http.MethodPost, appendOrder, func(n int, body []byte) string {
		return lacks(body, fmt.Sprintf(`"total":%d`, total(n)), fmt.Sprintf(`"order":"A-%d"`, n))
	}}
	insert = work{"insert", http.MethodPost, appendPerson, func(n int, body []byte) string {
		return lacks(body, fmt.Sprintf(`"email":"reader%d@example.com"`, n), `"id":"`)
	}}
	list20 = work{"list20", http.MethodGet, nil, func(_ int, body []byte) string {
		if got := bytes.Count(body, []byte(`"email":"reader`)); got != listed {
			return fmt.Sprintf("it has %d people, not %d", got, listed)
		}
		return lacks(body, `"email":"reader0@example.com"`, `"email":"reader19@example.com"`)
	}}

	works = []work{hook, insert, list20}

	// seed is what fills the list; it is not measured.
	seed = work{"seed", insert.method, insert.body, insert.wrong}
)

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
