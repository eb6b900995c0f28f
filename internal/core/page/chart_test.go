package page

import (
	"encoding/xml"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChartsHaveRoomForAllLines(t *testing.T) {
	c := Chart{Title: "a < b", Top: 1, Lines: []Line{{"one", []float64{0, 10, 20}, []float64{0, 2, 1}, false}, {"two", []float64{5}, []float64{math.NaN()}, false}}}
	text := string(c.SVG())
	require.Contains(t, text, "a &lt; b")
	require.Contains(t, text, `points="0.0,150.0 200.0,0.0 400.0,75.0"`)
	require.Contains(t, text, `points=""`)
	wellFormed(t, text)
}

func TestLogarithmicChartsLeaveZeroOut(t *testing.T) {
	c := Chart{Log: true, Lines: []Line{{"rate", []float64{0, 1, 2}, []float64{0, 1e-3, 1e-1}, false}}}
	text := string(c.SVG())
	require.Contains(t, text, `points="0.0,150.0 400.0,0.0"`)
	require.Contains(t, text, ">0.01</text>")
	wellFormed(t, text)
}

func TestChartsOfNothing(t *testing.T) {
	for _, c := range []Chart{{}, {Log: true}, {Lines: []Line{{"", []float64{3}, []float64{4}, false}}}, {Lines: []Line{{"", []float64{-7, math.MaxFloat64 / 4}, []float64{0, 1}, false}}}} {
		text := string(c.SVG())
		require.NotContains(t, text, "NaN")
		require.NotContains(t, text, "Inf")
		wellFormed(t, text)
	}
}

func wellFormed(t *testing.T, text string) {
	require.NoError(t, xml.Unmarshal([]byte("<figure>"+strings.ReplaceAll(text, "&ensp;", " ")+"</figure>"), new(struct{})))
}

func TestDotsAreNotJoined(t *testing.T) {
	c := Chart{Lines: []Line{{Name: "each", Dots: true, X: []float64{3, 1}, Y: []float64{0, 4}}}}
	text := string(c.SVG())
	require.NotContains(t, text, "<polyline")
	require.Contains(t, text, `<circle cx="400.0" cy="150.0"`)
	require.Contains(t, text, `<circle cx="0.0" cy="0.0"`)
	wellFormed(t, text)
}
