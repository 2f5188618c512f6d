package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/web/problem"
)

// Huma makes its errors through variables of its package; there is no other way
// to give them another form. They are set once, before anything can call them.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return refusal(status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		err := refusal(status, msg, errs)
		c := fiberOf(ctx)
		if c == nil {
			return err
		}
		problem.Remember(c, cause(err, errs))
		err.RequestID = problem.RequestID(c)
		for name, value := range err.Headers() {
			c.Set(name, value)
		}
		return err
	}
	huma.ValidateStrictCasing = true // {"Email": …} is not {"email": …}
}

// cause is what the log gets to know: the error a handler returned, but of a
// request that is wrong only the kind, as huma's errors repeat what was sent.
func cause(p *problem.Problem, errs []error) error {
	err := errors.Join(errs...)
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e
	}
	if p.Kind != core.Internal {
		err = nil
	}
	return &core.Error{Op: "api", Kind: p.Kind, Msg: p.Title, Err: err}
}

// refusal describes what huma refuses. What a handler returned is described by
// its kind; what huma found wrong with the request is Invalid, whatever status
// huma would give it, and never repeats the value that was sent: it may be a
// password.
func refusal(status int, msg string, errs []error) *problem.Problem {
	for _, err := range errs {
		if e, ok := errors.AsType[*core.Error](err); ok {
			return problem.Of(e, "")
		}
	}
	if status == 422 || status == 400 {
		var wrong core.Violations
		for _, err := range errs {
			var d huma.ErrorDetailer
			if errors.As(err, &d) {
				detail := d.ErrorDetail()
				wrong.Add(detail.Location, "%s", detail.Message)
			}
		}
		if len(errs) == 0 {
			wrong.Add("body", "%s", msg)
		}
		return problem.Of(&core.Error{Op: "api", Kind: core.Invalid, Msg: "The request is not what this operation takes; errors says where.", Err: wrong}, "")
	}
	return problem.OfStatus(status, "")
}

// jsonFormat is JSON as huma reads and writes it, with errors that say where.
var jsonFormat = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		if !utf8.Valid(data) {
			return errors.New("is not JSON: it is not valid UTF-8")
		}
		err := json.Unmarshal(data, v)
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return fmt.Errorf("is not JSON: %w at byte %d", syntax, syntax.Offset)
		}
		if err == nil {
			if at, fault := core.CheckJSON(data); fault != "" {
				return errors.New(strings.TrimSpace(at + " " + fault))
			}
		}
		return err
	},
}

// inBody says that an error's places are in the request's body, which services
// don't know.
func inBody(err error) error { return placed("body", err) }

func placed(where string, err error) error {
	found := core.ViolationsOf(err)
	if len(found) == 0 {
		return err
	}
	there := make(core.Violations, len(found))
	for i, v := range found {
		v.Location = strings.TrimSuffix(where+"."+v.Location, ".")
		there[i] = v
	}
	return &core.Error{Op: "api", Kind: core.KindOf(err), Msg: core.MessageOf(err), Err: there}
}

// named says that what is missing is not the address but what a member of the
// body names, so that the answer is not "not found" but says which.
func named(member string, err error) error {
	if core.KindOf(err) != core.NotFound {
		return inBody(err)
	}
	var wrong core.Violations
	wrong.Add("body."+member, "%s", core.MessageOf(err))
	return wrong.Err("api", core.MessageOf(err))
}
