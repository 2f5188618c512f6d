package console

import (
	"encoding/json"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk/ui"
)

const (
	localLayout = "2006-01-02T15:04" // of a browser's date and time
	maxValues   = 4 << 10            // of what a button sends, bytes
)

// call is what a form or a button of a plugin's page does: it comes back in the
// field -call, whose name no input can have. It says nothing a member could not
// ask of the plugin's API themselves.
type call struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`             // of a route of the plugin
	Then   string          `json:"then,omitempty"`   // the page to show afterwards; "": this one
	Body   json.RawMessage `json:"body,omitempty"`   // of a button
	Form   string          `json:"form,omitempty"`   // its id; "" of a button
	Inputs [][2]string     `json:"inputs,omitempty"` // name and format
}

// readCall reads the field -call.
func readCall(field string) (call, error) {
	var c call
	err := json.Unmarshal([]byte(field), &c)
	if _, _, ok := routeOf(c.Method + " " + c.Path); err != nil || !ok || len(c.Inputs) > maxInputs {
		return call{}, core.E("console.readCall", core.Invalid,
			"The form was not sent from a page of this plugin. Open the page and send it again.")
	}
	c.Then = thenOf(c.Then)
	return c, nil
}

// body is what the call sends: a button's values, or those of a form's fields.
// It fails with Violations at body.<name>.
func (c call) body(fields url.Values, zone *time.Location) (json.RawMessage, error) {
	if c.Form == "" {
		return c.Body, nil
	}
	var wrong core.Violations
	values := map[string]any{}
	for _, in := range c.Inputs {
		name := in[0]
		value, fault := readField(ui.Format(in[1]), fields[name], fields.Get(name+".currency"), zone)
		switch {
		case !inputPattern.MatchString(name):
		case fault != "":
			wrong.Add("body."+name, "%s", fault)
		case value != nil:
			values[name] = value
		case c.Method == "PATCH":
			values[name] = nil
		}
	}
	return encode(values), wrong.Err("console.body", "Some values are not what they should be.")
}

// readField makes JSON of what was typed; nil of nothing. An unticked box sends
// nothing at all, and is false.
func readField(format ui.Format, typed []string, currency string, zone *time.Location) (value any, fault string) {
	text := ""
	if len(typed) > 0 {
		text = strings.ReplaceAll(typed[0], "\r\n", "\n")
	}
	if format != ui.Long {
		text = strings.TrimSpace(text)
	}
	switch format {
	case ui.Bool:
		return text == "true", ""
	case ui.List:
		return readLines(typed), ""
	}
	if text == "" {
		return nil, ""
	}
	switch format {
	case ui.Number:
		if !numberPattern.MatchString(text) {
			return nil, "must be a number, such as 12 or 12.5"
		}
		return json.Number(text), ""
	case ui.Money:
		return readMoney(text, strings.ToUpper(strings.TrimSpace(currency)))
	case ui.Date:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, "must be a date, such as 2026-01-31"
		}
	case ui.Time:
		for _, layout := range []string{localLayout, localLayout + ":05"} {
			if t, err := time.ParseInLocation(layout, text, zone); err == nil {
				return t.UTC().Format(time.RFC3339), ""
			}
		}
		return nil, "must be a date and a time, such as 2026-01-31T14:30"
	case ui.Hidden:
		if !json.Valid([]byte(text)) {
			return nil, "is not JSON"
		}
		return json.RawMessage(text), ""
	}
	return text, ""
}

// numberPattern is a number of JSON, without an exponent.
var numberPattern = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?$`)

// readLines makes a list of boxes that were ticked, or of lines.
func readLines(typed []string) []string {
	lines := []string{}
	for _, one := range typed {
		for line := range strings.Lines(one) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

var (
	amountPattern   = regexp.MustCompile(`^(-?)([0-9]{1,15})(?:\.([0-9]{1,4}))?$`)
	currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)
)

// readMoney makes minor units of an amount as people write it.
func readMoney(text, currency string) (any, string) {
	if !currencyPattern.MatchString(currency) {
		return nil, "needs a currency of three letters, such as EUR"
	}
	parts := amountPattern.FindStringSubmatch(text)
	if parts == nil {
		return nil, "must be an amount, such as 12 or 12.50"
	}
	exponent := abi.Decimals(currency)
	if len(parts[3]) > exponent {
		return nil, currency + " has " + strconv.Itoa(exponent) + " decimals"
	}
	minor, err := strconv.ParseInt(parts[1]+parts[2]+parts[3]+strings.Repeat("0", exponent-len(parts[3])), 10, 64)
	if err != nil || minor > math.MaxInt64/2 || minor < -math.MaxInt64/2 {
		return nil, "is too large"
	}
	return map[string]any{"amount": minor, "currency": currency}, ""
}

// encode is the JSON of values that came from JSON.
func encode(value any) json.RawMessage {
	encoded, err := json.Marshal(value)
	if err != nil {
		return json.RawMessage("null")
	}
	return encoded
}
