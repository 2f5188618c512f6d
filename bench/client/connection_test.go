package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Nobody wins by failing: an answer of another status, to another request, or of
// another length ends the measurement.
func TestWrongAnswersEndIt(t *testing.T) {
	status, answer := http.StatusOK, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	people := func(n int) string {
		var all []byte
		for i := range n {
			all = appendPerson(all, i)
		}
		return string(all)
	}
	for _, c := range []struct {
		name   string
		work   Work
		status int
		answer string
		right  bool
	}{
		{"a receipt", Hook, 200, `{"items":3,"order":"A-7","total":110648}`, true},
		{"of another order", Hook, 200, `{"items":3,"order":"A-8","total":110648}`, false},
		{"that is wrong", Hook, 200, `{"items":3,"order":"A-7","total":1}`, false},
		{"with another status", Hook, 202, `{"items":3,"order":"A-7","total":110648}`, false},
		{"an insert", Insert, 200, `{"id":"doc_1","email":"reader7@example.com"}`, true},
		{"of somebody else", Insert, 200, `{"id":"doc_1","email":"reader8@example.com"}`, false},
		{"that was not kept", Insert, 200, `{"email":"reader7@example.com"}`, false},
		{"a list", List20, 200, people(20), true},
		{"of too few", List20, 200, people(19), false},
		{"of nobody", List20, 200, `[]`, false},
	} {
		status, answer = c.status, c.answer
		connected, err := Dial(server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		err = connected.Do(c.work, Ask{Path: "/", Status: 200}, 7)
		connected.Close()
		if (err == nil) != c.right {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
