package console

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/sdk/ui"
)

// timeLayout is how people read a time; the zone is the workspace's.
const timeLayout = "2 Jan 2006, 15:04"

const dateLayout = "2 Jan 2006"

// cell is a value as it is shown.
type cell struct {
	Text  string
	URL   string    // "": it leads nowhere
	Kind  ui.Format // Badge, Number, Money, Long, List, Time, ...
	Tone  string    // of a badge: a class
	Label string    // of a detail or a card: what it is
	Stamp string    // of a time: for programs
	Full  string    // of a relative time: the time itself
}

// value is a JSON value in a format, with the words its options have for it.
func (p *parser) value(value any, format ui.Format, options []ui.Option) cell {
	c := cell{Text: p.short(plain(value)), Kind: format}
	if c.Text == "" {
		return cell{}
	}
	switch format {
	case ui.Number:
		c.Text = p.short(grouped(c.Text))
	case ui.Money:
		if money, ok := value.(map[string]any); ok {
			c.Text = p.short(moneyText(plain(money["amount"]), plain(money["currency"])))
		}
	case ui.Date:
		if t, err := time.Parse(time.DateOnly, c.Text); err == nil {
			c.Text = t.Format(dateLayout)
		}
	case ui.Time, ui.Relative:
		if t, err := time.Parse(time.RFC3339, c.Text); err == nil {
			c.Text, c.Stamp = t.In(p.Zone).Format(timeLayout), t.UTC().Format(time.RFC3339)
			if format == ui.Relative {
				c.Text, c.Full = relative(t, p.Now), c.Text
			}
		}
	case ui.Email:
		c.URL = "mailto:" + url.PathEscape(c.Text)
	case ui.List:
		if list, ok := value.([]any); ok {
			words := make([]string, len(list))
			for i, one := range list {
				words[i] = wordFor(plain(one), options)
			}
			c.Text = p.short(strings.Join(words, ", "))
		}
	}
	for _, o := range options {
		if o.Value == rawText(value) {
			c.Text, c.Tone = p.short(wordOf(o)), toneClass(o.Tone)
		}
	}
	return c
}

func wordOf(o ui.Option) string {
	if o.Label != "" {
		return o.Label
	}
	return o.Value
}

func wordFor(value string, options []ui.Option) string {
	for _, o := range options {
		if o.Value == value {
			return wordOf(o)
		}
	}
	return value
}

// plain is a JSON value as a person reads it.
func plain(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			return v.String()
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return strings.TrimSuffix(fmt.Sprintf("%.2f", f), ".00")
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(text)
	}
}

// rawText is a JSON value as an option and a When name it: a text as it is,
// anything else as its JSON.
func rawText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}

var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// grouped separates the thousands of a decimal number.
func grouped(number string) string {
	if !decimal.MatchString(number) {
		return number
	}
	whole, rest, _ := strings.Cut(strings.TrimPrefix(number, "-"), ".")
	var b strings.Builder
	if number[0] == '-' {
		b.WriteByte('-')
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if rest != "" {
		b.WriteString("." + rest)
	}
	return b.String()
}

// relative says how far a time is from now.
func relative(t, now time.Time) string {
	away := now.Sub(t)
	text := "%s ago"
	if away < 0 {
		away, text = -away, "in %s"
	}
	const day = 24 * time.Hour
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{365 * day, "year"}, {30 * day, "month"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(away / unit.size); n == 1 {
			return fmt.Sprintf(text, "1 "+unit.name)
		} else if n > 1 {
			return fmt.Sprintf(text, strconv.Itoa(n)+" "+unit.name+"s")
		}
	}
	return "just now"
}

// cutText cuts a text after so many bytes, and says so by an ellipsis.
func cutText(text string, most int) string {
	text = strings.ToValidUTF8(text, "�")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
