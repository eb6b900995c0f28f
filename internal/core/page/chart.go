package page

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
	"strconv"
)

// A Line is one of a chart: y over x, x rising.
type Line struct {
	Name string
	X, Y []float64
	Dots bool // points that no line joins, in any order
}

// A Chart shows lines over the same axes.
type Chart struct {
	Title string
	Lines []Line
	Log   bool    // y by its logarithm; values that are not positive are left out
	Top   float64 // of the axis at least; 0: that of the values
}

// Size of the room for lines, in units of the drawing.
const (
	chartWidth  = 400.0
	chartHeight = 150.0
)

// SVG draws a chart with a legend below it.
func (c *Chart) SVG() template.HTML {
	var b bytes.Buffer
	x, y := c.axes()
	fmt.Fprintf(&b, `<svg viewBox="-44 -8 %g %g" role="img"><title>%s</title>`, chartWidth+56, chartHeight+28, template.HTMLEscapeString(c.Title))
	for _, v := range y.ticks(c.Log) {
		at := c.y(y, v)
		fmt.Fprintf(&b, `<line x1="0" x2="%g" y1="%.1f" y2="%.1f"/><text x="-5" y="%.1f" text-anchor="end">%s</text>`, chartWidth, at, at, at+4, short(v))
	}
	for _, v := range x.ticks(false) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, chartWidth*x.part(v), chartHeight+15, short(v))
	}
	for i, l := range c.Lines {
		var points []byte
		if l.Dots {
			c.dots(&b, &l, colour(i), x, y)
			continue
		}
		for k := range l.X {
			if !c.shows(l.Y[k]) {
				continue
			}
			points = fmt.Appendf(points, "%.1f,%.1f ", chartWidth*x.part(l.X[k]), c.y(y, l.Y[k]))
		}
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.5" stroke-linejoin="round" points="%s"><title>%s</title></polyline>`, colour(i), bytes.TrimSpace(points), template.HTMLEscapeString(l.Name))
	}
	b.WriteString(`</svg><figcaption>`)
	for i, l := range c.Lines {
		fmt.Fprintf(&b, `<span style="white-space:nowrap"><i class="chip" style="background:%s"></i> %s</span> &ensp;`, colour(i), template.HTMLEscapeString(l.Name))
	}
	b.WriteString(`</figcaption>`)
	return template.HTML(b.String())
}

// dots draws the points of a line that are not joined.
func (c *Chart) dots(b *bytes.Buffer, l *Line, colour string, x, y axis) {
	for k, v := range l.Y {
		if c.shows(v) {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s" fill-opacity="0.6"><title>%s</title></circle>`, chartWidth*x.part(l.X[k]), c.y(y, v), colour, short(v))
		}
	}
}

// colour tells lines apart: steps of the golden angle, on white and on black.
func colour(i int) string { return fmt.Sprintf("hsl(%d 75%% 50%%)", (i*1375+2100)/10%360) }

// shows says whether a value has a place.
func (c *Chart) shows(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!c.Log || v > 0)
}

// y is the place of a value from the top.
func (c *Chart) y(a axis, v float64) float64 {
	if c.Log {
		v = math.Log10(v)
	}
	return chartHeight * (1 - a.part(v))
}

// An axis goes from one value to another; of a logarithmic one, these are logarithms.
type axis struct{ low, high float64 }

func (a axis) part(v float64) float64 { return (v - a.low) / (a.high - a.low) }

// axes are those that have room for all lines; y begins at 0 if it is not logarithmic.
func (c *Chart) axes() (x, y axis) {
	x, y = axis{math.Inf(1), math.Inf(-1)}, axis{0, c.Top}
	if c.Log {
		y = axis{math.Inf(1), math.Inf(-1)}
	}
	for _, l := range c.Lines {
		for k, v := range l.Y {
			if !c.shows(v) {
				continue
			}
			if c.Log {
				v = math.Log10(v)
			}
			x.low, x.high = min(x.low, l.X[k]), max(x.high, l.X[k])
			y.low, y.high = min(y.low, v), max(y.high, v)
		}
	}
	for _, a := range []*axis{&x, &y} {
		if !(a.low < a.high) { // one value, or none
			low := a.low
			if math.IsInf(low, 0) {
				low = 0
			}
			*a = axis{low, low + 1}
		}
	}
	return x, y
}

// ticks are round values on an axis, at most six.
func (a axis) ticks(log bool) (list []float64) {
	if log {
		for e := math.Floor(a.low); e <= a.high; e++ {
			for _, m := range []float64{1, 2, 5} {
				if v := math.Log10(m) + e; v >= a.low && v <= a.high && (m == 1 || a.high-a.low < 2) {
					list = append(list, m*math.Pow(10, e))
				}
			}
		}
		return list
	}
	step := math.Pow(10, math.Floor(math.Log10((a.high-a.low)/2)))
	for _, m := range []float64{1, 2, 5, 10} {
		if (a.high-a.low)/(m*step) <= 5 {
			step *= m
			break
		}
	}
	first := math.Ceil(a.low / step)
	for k := range 6 { // numbers as large as they get have no next one
		if v := (first + float64(k)) * step; v <= a.high+step/1000 {
			list = append(list, v)
		}
	}
	return list
}

// short writes a number in few characters.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
