package report

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Figure is a number, and the bar it has to clear if there is one.
type Figure struct {
	Name  string  `json:"figure"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Least float64 `json:"least,omitempty"` // the bar, when more is better
	Most  float64 `json:"most,omitempty"`  // the bar, when less is better
}

func (f Figure) bar() string {
	switch {
	case f.Least > 0 && f.Value >= f.Least:
		return fmt.Sprintf("at least %v", f.Least)
	case f.Least > 0:
		return fmt.Sprintf("at least %v: MISSED", f.Least)
	case f.Most > 0 && f.Value <= f.Most:
		return fmt.Sprintf("at most %v", f.Most)
	case f.Most > 0:
		return fmt.Sprintf("at most %v: MISSED", f.Most)
	}
	return "–"
}

// Print writes figures as a table, each with its bar.
func Print(out io.Writer, figures []Figure) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range figures {
		fmt.Fprintf(w, "%s\t%s %s\t%s\n", f.Name, Digits(f.Value), f.Unit, f.bar())
	}
	return w.Flush()
}

func Digits(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
