package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// convCase is a convolution with everything that its result depends on.
type convCase struct {
	Conv
	weights, bias       []float32
	kh, kw, c, n, items int
	row0, row1          int
	special             bool
}

func (k *convCase) String() string {
	return fmt.Sprintf("%d maps %dx%d, window %dx%d, strides %d %d, %d to %d channels, rows %d to %d, act %v, residual %t, scale %t",
		k.items, k.Height, k.Width, k.kh, k.kw, k.StrideY, k.StrideX, k.c, k.n, k.row0, k.row1, k.Act, k.Residual != nil, k.Scale != nil)
}

// naive is the loop in the comment of Conv.
func (k *convCase) naive(mulAdd func(x, y, z float32) float32, out []float32) {
	for g := k.row0; g < k.row1; g++ {
		i, y := g/k.Height, g%k.Height
		for x := range k.Width {
			for n := range k.n {
				var acc float32
				if k.bias != nil {
					acc = k.bias[n]
				}
				for kh := range k.kh {
					for kw := range k.kw {
						for c := range k.c {
							acc = mulAdd(k.In[i*k.InItem+(y*k.StrideY+kh)*k.InRow+(x*k.StrideX+kw)*k.InPixel+c], k.weights[((kh*k.kw+kw)*k.c+c)*k.n+n], acc)
						}
					}
				}
				if k.Scale != nil {
					acc = mulAdd(acc, k.Scale[n], k.Shift[n])
				}
				if k.Residual != nil {
					acc += k.Residual[i*k.ResItem+y*k.ResRow+x*k.ResPixel+n]
				}
				out[i*k.OutItem+y*k.OutRow+x*k.OutPixel+n] = scalar[k.Act](acc)
			}
		}
	}
}

const mostFloats = 1 << 18 // of any buffer of a random case

// randomConv makes a case in guarded memory. Sides are often small, channels often next to a multiple of a vector,
// and distances often leave gaps, which nobody may touch.
func randomConv(rng *rand.Rand, g *convGuards) *convCase {
	pick := func(values ...int) int { return values[rng.IntN(len(values))] }
	for {
		k := &convCase{
			kh: pick(1, 1, 1, 2, 3, 3, 7), kw: pick(1, 1, 2, 3, 3, 7),
			c:     pick(1, 2, 3, 4, 5, 7, 8, 16, 24, 33, rng.IntN(80)+1),
			n:     pick(1, 2, 3, 8, 12, 15, 16, 17, 20, 24, 31, 32, 33, 41, 48, 64, 83, 96, rng.IntN(200)+1),
			items: pick(1, 1, 2, 3), special: rng.IntN(4) == 0,
		}
		k.Height, k.Width = pick(1, 1, 2, 3, 5), pick(1, 2, 3, 5, 7, 8, 13, 14, 15, 20, rng.IntN(60)+1)
		k.StrideY, k.StrideX = pick(1, 1, 2, 3), pick(1, 1, 2, 3)
		gap := func() int { return pick(0, 0, 0, 0, 1, 3, 17) }
		rows, columns := (k.Height-1)*k.StrideY+k.kh, (k.Width-1)*k.StrideX+k.kw
		k.InPixel = k.c + gap()
		k.InRow = columns*k.InPixel + gap()
		k.InItem = rows*k.InRow + gap()
		k.OutPixel = k.n*pick(1, 1, 1, 2) + gap()
		k.OutRow = k.Width*k.OutPixel + gap()
		k.OutItem = k.Height*k.OutRow + gap()
		k.ResPixel = k.n + gap()
		k.ResRow = k.Width*k.ResPixel + gap()
		k.ResItem = k.Height*k.ResRow + gap()
		last := k.items - 1
		inFloats := last*k.InItem + (rows-1)*k.InRow + (columns-1)*k.InPixel + k.c
		outFloats := last*k.OutItem + (k.Height-1)*k.OutRow + (k.Width-1)*k.OutPixel + k.n
		resFloats := last*k.ResItem + (k.Height-1)*k.ResRow + (k.Width-1)*k.ResPixel + k.n
		if work := k.items * k.Height * k.Width * k.kh * k.kw * k.c * k.n; work > 400_000 || max(inFloats, outFloats, resFloats) > mostFloats {
			continue
		}
		k.In, k.Out = g.in.floats(inFloats, rng.IntN(2) == 0), g.out.floats(outFloats, rng.IntN(2) == 0)
		fill(rng, k.In, k.special)
		k.weights = normal(rng, k.kh*k.kw*k.c*k.n)
		if rng.IntN(3) > 0 {
			k.bias = normal(rng, k.n)
		}
		if rng.IntN(4) == 0 {
			k.Scale, k.Shift = normal(rng, k.n), normal(rng, k.n)
		}
		if rng.IntN(3) == 0 {
			k.Residual = g.res.floats(resFloats, rng.IntN(2) == 0)
			fill(rng, k.Residual, k.special)
		}
		k.Act = Activation(pick(int(None), int(None), int(Relu), int(Relu), int(HardSwish), int(HardSigmoid)))
		rowsOfAll := k.items * k.Height
		k.row0 = rng.IntN(rowsOfAll + 1)
		k.row1 = k.row0 + rng.IntN(rowsOfAll-k.row0+1)
		if rng.IntN(2) == 0 {
			k.row0, k.row1 = 0, rowsOfAll
		}
		return k
	}
}

// convGuards is memory for random cases.
type convGuards struct{ in, out, res *guard }

func newConvGuards(t *testing.T) *convGuards {
	return &convGuards{newGuard(t, mostFloats), newGuard(t, mostFloats), newGuard(t, mostFloats)}
}

// checkConv holds a random case against the naive loop.
func checkConv(t *testing.T, s *Set, rng *rand.Rand, g *convGuards) {
	k := randomConv(rng, g)
	want := clone(k.Out)
	k.naive(mulAdd(s), want)
	k.W = s.Pack(k.weights, k.kh, k.kw, k.c, k.n, k.bias)
	panel, row := rng.IntN(k.W.Panels()+1), k.row0+rng.IntN(k.row1-k.row0+1)
	for _, rows := range [2][2]int{{k.row0, row}, {row, k.row1}} {
		s.Conv(&k.Conv, rows[0], rows[1], 0, panel)
		s.Conv(&k.Conv, rows[0], rows[1], panel, k.W.Panels())
	}
	requireSame(t, want, k.Out, k)
}

// Every set gives the bits of the naive loop, whatever the shape and the split, and writes nothing else.
func TestConvAgainstLoop(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng, g := newRand(1), newConvGuards(t)
		for range *rounds {
			checkConv(t, s, rng, g)
		}
	})
}

func FuzzConvAgainstLoop(f *testing.F) {
	f.Add(uint64(0))
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := newConvGuards(t)
		for _, s := range Sets() {
			checkConv(t, s, newRand(seed), g)
		}
	})
}

// A dense layer works in blocks of input channels; its sums stay in the order of the naive loop.
func TestConvInBlocksOfChannels(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(2)
		k := &convCase{kh: 1, kw: 1, c: 5003, n: 40, items: 1, row1: 1}
		k.Conv = Conv{In: normal(rng, 17*k.c), InPixel: k.c, Out: make([]float32, 17*k.n), OutPixel: k.n, Height: 1, Width: 17, StrideX: 1, StrideY: 1, Act: Relu}
		k.weights, k.bias = normal(rng, k.c*k.n), normal(rng, k.n)
		want := make([]float32, len(k.Out))
		k.naive(mulAdd(s), want)
		k.W = s.Pack(k.weights, 1, 1, k.c, k.n, k.bias)
		s.Conv(&k.Conv, 0, 1, 0, k.W.Panels())
		requireSame(t, want, k.Out, "dense")
	})
}

// What is fetched for the next block of pixels, or because the caller wants it next, changes nothing, also where items
// lie between each other.
func TestConvInBlocksOfPixels(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for _, mixed := range []bool{false, true} {
			rng := newRand(4)
			k := &convCase{kh: 1, kw: 1, c: 6, n: 1030, items: 3, row1: 27}
			pixels := k.row1 * 11
			k.Conv = Conv{In: normal(rng, pixels*k.c), Out: make([]float32, pixels*k.n), Height: 9, Width: 11, StrideX: 1, StrideY: 1,
				InItem: 99 * k.c, InRow: 11 * k.c, InPixel: k.c, OutItem: 99 * k.n, OutRow: 11 * k.n, OutPixel: k.n}
			if mixed {
				k.InItem, k.InRow, k.InPixel = k.c, 33*k.c, 3*k.c
				k.OutItem, k.OutRow = 11*k.n, 33*k.n
			}
			k.weights = normal(rng, k.c*k.n)
			want := make([]float32, len(k.Out))
			k.naive(mulAdd(s), want)
			k.W = s.Pack(k.weights, 1, 1, k.c, k.n, nil)
			k.NextIn, k.NextOut = k.In[:7], k.Out
			s.Conv(&k.Conv, 0, k.row1, 0, k.W.Panels())
			requireSame(t, want, k.Out, mixed)
		}
	})
}

// The residual may be added in place.
func TestConvResidualInPlace(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(3)
		k := &convCase{kh: 1, kw: 1, c: 9000, n: 24, items: 1, row1: 1}
		k.Conv = Conv{In: normal(rng, 15*k.c), InPixel: k.c, Out: normal(rng, 15*k.n), OutPixel: k.n, Height: 1, Width: 15, StrideX: 1, StrideY: 1, ResPixel: k.n}
		k.weights = normal(rng, k.c*k.n)
		k.Residual = k.Out
		want := make([]float32, len(k.Out))
		k.naive(mulAdd(s), want)
		k.W = s.Pack(k.weights, 1, 1, k.c, k.n, nil)
		s.Conv(&k.Conv, 0, 1, 0, k.W.Panels())
		requireSame(t, want, k.Out, "in place")
	})
}

func TestConvPanicsOnShortSlices(t *testing.T) {
	s := Best()
	make1 := func() *Conv {
		return &Conv{W: s.Pack(make([]float32, 9*5*20), 3, 3, 5, 20, nil),
			In: make([]float32, 6*6*5), InItem: 180, InRow: 30, InPixel: 5, StrideY: 1, StrideX: 1,
			Out: make([]float32, 4*4*20), OutItem: 320, OutRow: 80, OutPixel: 20, Height: 4, Width: 4}
	}
	require.NotPanics(t, func() { s.Conv(make1(), 0, 4, 0, 1) })
	for want, spoil := range map[string]func(c *Conv){
		shortIn:       func(c *Conv) { c.In = c.In[1:] },
		shortOut:      func(c *Conv) { c.Out = c.Out[1:] },
		shortResidual: func(c *Conv) { c.Residual, c.ResRow, c.ResPixel = make([]float32, 319), 80, 20 },
		shortScale:    func(c *Conv) { c.Scale, c.Shift = make([]float32, 20), make([]float32, 19) },
		badStride:     func(c *Conv) { c.InRow = -30 },
		badShape:      func(c *Conv) { c.Height = 0 },
	} {
		c := make1()
		spoil(c)
		require.PanicsWithValue(t, want, func() { s.Conv(c, 0, 4, 0, 1) })
	}
	require.PanicsWithValue(t, shortIn, func() { s.Conv(make1(), 0, 5, 0, 1) })
	other := generic
	require.PanicsWithValue(t, otherSet, func() { other.Conv(make1(), 0, 4, 0, 1) })
	require.PanicsWithValue(t, badPanels, func() { s.Conv(make1(), 0, 4, 0, 9) })
	require.PanicsWithValue(t, shortWeights, func() { s.Pack(make([]float32, 7), 1, 1, 2, 4, nil) })
}

func TestConvDoesNotAllocate(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for _, act := range []Activation{None, Relu, Swish} {
			c := &Conv{W: s.Pack(make([]float32, 9*5*20), 3, 3, 5, 20, nil),
				In: make([]float32, 6*6*5), InRow: 30, InPixel: 5, StrideY: 1, StrideX: 1,
				Out: make([]float32, 4*4*20), OutRow: 80, OutPixel: 20, Height: 4, Width: 4, Act: act}
			require.Zero(t, testing.AllocsPerRun(10, func() { s.Conv(c, 0, 4, 0, c.W.Panels()) }))
		}
	})
}
