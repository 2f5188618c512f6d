package problem

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
)

func TestEveryKindHasAStatusAndATitle(t *testing.T) {
	for _, kind := range core.Kinds {
		c, ok := classes[kind]
		if !ok || c.status < 400 || c.status > 599 || c.title == "" {
			t.Errorf("%s: %+v", kind, c)
		}
		if Status(kind) != c.status {
			t.Errorf("Status(%s) is %d", kind, Status(kind))
		}
	}
	if Status("a kind nobody declared") != http.StatusInternalServerError {
		t.Error("an unknown kind is not a 500")
	}
}

func TestEveryStatusALibraryChoosesHasAKindOfThatClass(t *testing.T) {
	for status := 400; status < 600; status++ {
		p := Of(fiber.NewError(status, "a text of the library"), "req_x")
		if p.Status/100 != status/100 || p.Detail == "" || strings.Contains(p.Detail, "library") {
			t.Errorf("%d became %+v", status, p)
		}
	}
}

func TestNotFoundIsAlwaysTheSame(t *testing.T) {
	var wrong core.Violations
	wrong.Add("path.id", "is another workspace's")
	encode := func(err error) string {
		b, merr := json.Marshal(Of(err, "req_x"))
		if merr != nil {
			t.Fatal(merr)
		}
		return string(b)
	}
	same := encode(fiber.ErrNotFound)
	for _, err := range []error{
		core.E("a", core.NotFound, "There is no such contact."),
		core.E("b", core.NotFound, "That is another workspace's."),
		&core.Error{Op: "c", Kind: core.NotFound, Msg: "secret", Err: wrong},
		core.Wrap("d", core.Internal, core.E("e", core.NotFound, "deep")),
	} {
		if got := encode(err); got != same {
			t.Errorf("%v became\n%s, not\n%s", err, got, same)
		}
	}
}

func TestTheCauseIsNeverShown(t *testing.T) {
	for _, err := range []error{
		errors.New("dial tcp 10.0.0.1: secret"),
		core.Wrap("op", core.Unavailable, errors.New("secret")),
		&core.Error{Op: "op", Kind: core.Internal, Msg: "The plugin failed.", Err: errors.New("secret")},
		&core.Error{Op: "op", Kind: "unheard of", Err: errors.New("secret")},
	} {
		b, merr := json.Marshal(Of(err, "req_x"))
		if merr != nil || strings.Contains(string(b), "secret") {
			t.Errorf("%v became %s (%v)", err, b, merr)
		}
	}
}

func TestViolationsAreListed(t *testing.T) {
	var wrong core.Violations
	wrong.Add("body.email", "is not an email address")
	p := Of(wrong.Err("op", "The contact is not valid."), "req_x")
	if p.Status != 400 || p.Detail != "The contact is not valid." || len(p.Errors) != 1 || p.Errors[0].Location != "body.email" {
		t.Errorf("%+v", p)
	}
}
