package augment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The expected values are the formulas of the docstrings in float64, to half a grey level.
func TestColoursAreTheFormulas(t *testing.T) {
	p := &Picture{Height: 3, Width: 5, Pix: make([]byte, 45)}
	for i := range p.Pix {
		p.Pix[i] = byte(37 * i)
	}
	left := Ramp{Low: 1, High: 0.5}                     // light is lost from left to right
	down := Ramp{Low: 0, High: 0.4, Angle: math.Pi / 2} // haze grows from top to bottom
	for name, tt := range map[string]struct {
		got  *Picture
		want func(v float64, c, y, x int) float64
	}{
		"stain":  {Stain(p, [3]float64{0.5, 1, 2}), func(v float64, c, _, _ int) float64 { return math.Pow(v, []float64{0.5, 1, 2}[c]) }},
		"tint":   {Tint(p, [3]float64{0, 0.3, 1}), func(v float64, c, _, _ int) float64 { return []float64{0, 0.3, 1}[c] * v }},
		"expose": {Expose(p, 1.7), func(v float64, _, _, _ int) float64 { return min(1.7*v, 1) }},
		"shade": {Shade(p, left, down), func(v float64, _, y, x int) float64 {
			v *= 1 - 0.5*(float64(x)+0.5)/5
			return v + (1-v)*0.4*(float64(y)+0.5)/3
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, v := range p.Pix {
				require.InDelta(t, 255*tt.want(float64(v)/255, i%3, i/15, i/3%5), tt.got.Pix[i], 0.5+1e-9, "value %d", i)
			}
		})
	}
}

// A ramp has its two values at opposite corners when it goes along the diagonal.
func TestRampReachesTheCorners(t *testing.T) {
	r := Ramp{Low: 0.2, High: 0.8, Angle: math.Pi / 4}
	require.InDelta(t, 0.2, r.at(0, 0), 1e-12)
	require.InDelta(t, 0.5, r.at(1, 0), 1e-12)
	require.InDelta(t, 0.8, r.at(1, 1), 1e-12)
}

func TestGreyIsLuma(t *testing.T) {
	p := &Picture{Height: 1, Width: 4, Pix: []byte{255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9}}
	require.False(t, IsGrey(p))
	g := Grey(p)
	require.True(t, IsGrey(g))
	require.Equal(t, []byte{76, 76, 76, 150, 150, 150, 29, 29, 29, 9, 9, 9}, g.Pix) // BT.601: 76.2, 149.7, 29.1
}

// A hundredth of the values may lie above the peak; a black picture has one, too.
func TestPeak(t *testing.T) {
	p := &Picture{Height: 1, Width: 100, Pix: make([]byte, 300)}
	require.InDelta(t, 1./255, Peak(p), 1e-12)
	for i := range p.Pix {
		p.Pix[i] = 40
	}
	p.Pix[0], p.Pix[1], p.Pix[2] = 250, 250, 250
	require.InDelta(t, 40./255, Peak(p), 1e-12)
	p.Pix[3] = 200
	require.InDelta(t, 200./255, Peak(p), 1e-12)
}
