package console

import (
	"fmt"
	"math"
	"strconv"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// The drawing of a chart, in units of its view box.
const (
	chartWidth  = 480
	chartHeight = 240
	chartLeft   = 60 // of the figures beside the lines
	chartTop    = 12
	chartBottom = 28 // of the labels
	funnelStep  = 40
	maxFigure   = 1e15 // beyond it a float64 doesn't count by ones
)

// chart is figures, drawn and as a table.
type chart struct {
	Kind   string
	Height int
	Labels []string
	Series []series
	Ticks  []tick // lines across, with figures
	Names  []tick // labels below
}

// series is one row of figures.
type series struct {
	Name    string
	Class   string   // of its colour
	Figures []string // as people read them
	Bars    []bar
	Points  string // of a line, as SVG takes them
}

type bar struct{ X, Y, Width, Height, Label, Figure string }

type tick struct{ X, Y, Text string }

func (p *parser) chart(n node, from ui.Node) (node, error) {
	if len(from.Labels) > maxLabels || len(from.Series) > maxSeries {
		return n, p.tooLarge("The plugin's chart has more than %d labels or %d series.", maxLabels, maxSeries)
	}
	if err := p.grid(len(from.Series), len(from.Series)+1, len(from.Labels)); err != nil {
		return n, err
	}
	c := &chart{Kind: from.Kind, Height: chartHeight}
	for _, label := range from.Labels {
		c.Labels = append(c.Labels, p.short(label))
	}
	values := make([][]float64, len(from.Series))
	for i, s := range from.Series {
		one := series{Name: p.short(s.Name), Class: "s" + strconv.Itoa(i+1)}
		values[i] = make([]float64, len(c.Labels)) // a figure that is missing is 0
		copy(values[i], s.Values)
		for _, v := range values[i] {
			if math.Abs(v) > maxFigure {
				return n, core.E("console.parseTree", core.TooLarge, "The plugin's chart has a figure beyond %.0f.", float64(maxFigure))
			}
			one.Figures = append(one.Figures, p.short(figure(v, from.Format, from.Currency)))
		}
		c.Series = append(c.Series, one)
	}
	switch {
	case len(c.Labels) == 0 || len(c.Series) == 0:
		c.Kind = ""
	case c.Kind == "funnel":
		c.drawFunnel(values[0])
	case c.Kind == "line":
		s := c.scale(values, from)
		c.drawLines(values, s)
	default:
		c.Kind = "bar"
		s := c.scale(values, from)
		c.drawBars(values, s)
	}
	n.Chart = c
	return n, nil
}

// figure writes a value of a chart.
func figure(v float64, format ui.Format, currency string) string {
	if format == ui.Money {
		return moneyText(strconv.FormatFloat(math.Round(v), 'f', 0, 64), cutText(currency, 3))
	}
	return grouped(strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64))
}

// scale maps figures to heights.
type scale struct{ low, high float64 }

func (s scale) y(v float64) float64 {
	return chartTop + (s.high-v)/(s.high-s.low)*(chartHeight-chartTop-chartBottom)
}

// scale finds the range of the figures, with 0 in it, in steps people count in.
func (c *chart) scale(values [][]float64, from ui.Node) scale {
	s := scale{}
	for _, row := range values {
		for _, v := range row {
			s.low, s.high = min(s.low, v), max(s.high, v)
		}
	}
	step := niceStep((s.high - s.low) / 4)
	if from.Format == ui.Money {
		step = max(step, 1)
	}
	s.low, s.high = math.Floor(s.low/step)*step, math.Ceil(s.high/step)*step
	if s.low == s.high {
		s.high = s.low + step
	}
	for i := 0; ; i++ {
		v := s.low + float64(i)*step
		if v > s.high+step/2 || i > 10 {
			break
		}
		c.Ticks = append(c.Ticks, tick{Y: unit(s.y(v)), Text: mark(v, from)})
	}
	return s
}

// mark writes a figure beside a line, where there is little room.
func mark(v float64, from ui.Node) string {
	if from.Format == ui.Money {
		v /= math.Pow10(abi.Decimals(from.Currency))
	}
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "bn"}, {1e6, "m"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.size {
			return figure(v/unit.size, ui.Number, "") + unit.name
		}
	}
	return figure(v, ui.Number, "")
}

// niceStep is 1, 2 or 5 times a power of ten, and at least as large.
func niceStep(least float64) float64 {
	if least <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= least {
			return factor * power
		}
	}
	return 10 * power
}

// name writes the labels below, as many as there is room for.
func (c *chart) name(x func(i int) float64) {
	every := (len(c.Labels) + 7) / 8
	for i, label := range c.Labels {
		if i%every == 0 {
			c.Names = append(c.Names, tick{X: unit(x(i)), Y: unit(chartHeight - 8), Text: cutText(label, 12)})
		}
	}
}

func (c *chart) drawBars(values [][]float64, s scale) {
	group := float64(chartWidth-chartLeft) / float64(len(c.Labels))
	width := group * 0.8 / float64(len(c.Series))
	for i := range c.Series {
		for j, v := range values[i] {
			top, foot := s.y(max(v, 0)), s.y(min(v, 0))
			c.Series[i].Bars = append(c.Series[i].Bars, bar{
				X: unit(chartLeft + group*(float64(j)+0.1) + width*float64(i)), Y: unit(top), Width: unit(width), Height: unit(foot - top),
				Label: c.Labels[j], Figure: c.Series[i].Figures[j],
			})
		}
	}
	c.name(func(i int) float64 { return chartLeft + group*(float64(i)+0.5) })
}

func (c *chart) drawLines(values [][]float64, s scale) {
	x := func(i int) float64 {
		if len(c.Labels) == 1 {
			return (chartLeft + chartWidth) / 2
		}
		return chartLeft + 8 + float64(i)*(chartWidth-chartLeft-32)/float64(len(c.Labels)-1)
	}
	for i := range c.Series {
		for j, v := range values[i] {
			c.Series[i].Points += unit(x(j)) + "," + unit(s.y(v)) + " "
			point := bar{X: unit(x(j)), Y: unit(s.y(v)), Label: c.Labels[j], Figure: c.Series[i].Figures[j]}
			c.Series[i].Bars = append(c.Series[i].Bars, point)
		}
	}
	c.name(x)
}

// drawFunnel draws one bar for each step, as wide as what is left.
func (c *chart) drawFunnel(values []float64) {
	c.Height = funnelStep * len(values)
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	s := &c.Series[0]
	c.Series = c.Series[:1]
	for i, v := range values {
		share := 0.0
		if most > 0 {
			share = max(v, 0) / most
		}
		width := max(share*(chartWidth-200), 2)
		y := float64(i * funnelStep)
		s.Bars = append(s.Bars, bar{X: "120", Y: unit(y + 6), Width: unit(width), Height: unit(funnelStep - 12)})
		c.Names = append(c.Names, tick{X: "112", Y: unit(y + 25), Text: cutText(c.Labels[i], 16)})
		c.Ticks = append(c.Ticks, tick{X: unit(128 + width), Y: unit(y + 25), Text: fmt.Sprintf("%s (%.0f%%)", s.Figures[i], share*100)})
	}
}

// unit writes a coordinate.
func unit(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
