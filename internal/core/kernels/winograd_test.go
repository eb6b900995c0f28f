package kernels

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var tileSizes = []int{3, 4, 5, 7}

// column returns what a transform makes of the unit vector i: column i of its matrix, exactly.
func column(matrix func(x, y *[9]float32), m, i int) []*big.Rat {
	var x, y [9]float32
	x[i] = 1
	matrix(&x, &y)
	exact := make([]*big.Rat, m)
	for o := range exact {
		exact[o] = new(big.Rat).SetFloat64(float64(y[o]))
	}
	return exact
}

// Aᵀ·((G·w)∘(Bᵀ·x)) is the correlation of w and x for all w and x, in exact arithmetic: the matrices are those that
// the code multiplies with, G is made from the points.
func TestTransformsAreExact(t *testing.T) {
	for _, m := range tileSizes {
		tr := transforms[m]
		n := m + 2
		points := tr.points()
		require.Len(t, points, n-1)
		var in, out [][]*big.Rat // by column
		for i := range n {
			in = append(in, column(tr.input, n, i))
			out = append(out, column(tr.output, m, i))
		}
		filter := make([][3]*big.Rat, n)
		for k, point := range points {
			p, d := new(big.Rat).SetFloat64(point), big.NewRat(1, 1)
			for _, other := range points {
				if other != point {
					d.Mul(d, new(big.Rat).Sub(p, new(big.Rat).SetFloat64(other)))
				}
			}
			one := new(big.Rat).Inv(d)
			first := new(big.Rat).Mul(one, p)
			filter[k] = [3]*big.Rat{one, first, new(big.Rat).Mul(first, p)}
		}
		filter[n-1] = [3]*big.Rat{new(big.Rat), new(big.Rat), big.NewRat(1, 1)}
		for k, row := range tr.filter() {
			for tap, v := range row {
				want, _ := filter[k][tap].Float64()
				require.InEpsilon(t, 1+want, 1+v, 1e-14)
			}
		}
		for o := range m {
			for tap := range 3 {
				for i := range n {
					sum := new(big.Rat)
					for k := range n {
						term := new(big.Rat).Mul(out[k][o], filter[k][tap])
						sum.Add(sum, term.Mul(term, in[i][k]))
					}
					want := int64(0)
					if i == o+tap {
						want = 1
					}
					require.Zero(t, sum.Cmp(big.NewRat(want, 1)), "F(%d,3): output %d, tap %d, input %d: %v", m, o, tap, i, sum)
				}
			}
		}
	}
}

// Pieces cover an axis once, in order, with the fewest products.
func TestCutCoversAxis(t *testing.T) {
	for _, sizes := range [][]int{{3}, {4}, {5}, {7}, {4, 3}, {5, 4}, {7, 4}} {
		for length := 1; length < 200; length++ {
			next := 0
			for _, p := range cut(length, sizes) {
				require.Contains(t, sizes, p.size)
				require.Equal(t, next, p.start+p.skip)
				require.Less(t, p.skip, p.size)
				require.GreaterOrEqual(t, p.start, 0)
				next = p.start + p.size
			}
			if length >= sizes[len(sizes)-1] {
				require.Equal(t, length, next, "%v", sizes)
			}
		}
	}
	require.Nil(t, cut(2, []int{4, 3}))
	require.Equal(t, []piece{{0, 4, 0}, {4, 3, 0}}, cut(7, []int{4, 3}))
	require.Equal(t, []piece{{0, 5, 0}, {5, 5, 0}, {10, 4, 0}}, cut(14, []int{5, 4}))
	require.Equal(t, []piece{{0, 5, 0}, {5, 5, 0}, {9, 5, 1}}, cut(14, []int{5}))
}

// A map of few tiles is shared out among the workers.
func TestBlocksForAllWorkers(t *testing.T) {
	s := Best()
	w := s.Pack(make([]float32, 9*512*512), 3, 3, 512, 512, nil).Winograd([]int{5}, []int{5})
	for _, tt := range []struct{ height, width, workers, blocks int }{
		{25, 34, 1, 1}, {25, 34, 2, 2}, {25, 34, 8, 2}, {20, 20, 2, 1}, {50, 68, 2, 2},
	} {
		require.Equal(t, tt.blocks, w.Plan(tt.height, tt.width, tt.workers).Blocks(1), "%+v", tt)
	}
}

// winogradCase is a convolution, its weights and the tiles to compute it with.
type winogradCase struct {
	convCase
	rows, cols []int
}

func (k *winogradCase) String() string {
	return fmt.Sprintf("tiles %v×%v of %v", k.rows, k.cols, &k.convCase)
}

func randomWinograd(rng *rand.Rand, g *convGuards) *winogradCase {
	pick := func(values ...int) int { return values[rng.IntN(len(values))] }
	sizes := [][]int{{3}, {4}, {5}, {7}, {4, 3}, {5, 4}}
	most := pick(30_000, 30_000, 30_000, 30_000, 30_000, 30_000, 30_000, 30_000, 30_000, 1_000_000) // multiply-adds
	for {
		k := &winogradCase{rows: sizes[rng.IntN(len(sizes))], cols: sizes[rng.IntN(len(sizes))]}
		k.kh, k.kw, k.items = 3, 3, pick(1, 1, 2, 7)
		k.c, k.n = pick(1, 3, 8, 16, 24, 65, 129, 300, rng.IntN(80)+1), pick(1, 2, 8, 16, 20, 24, 41, 65, rng.IntN(80)+1)
		k.Height, k.Width, k.StrideY, k.StrideX = 7+rng.IntN(15), 7+rng.IntN(15), 1, 1
		gap := func() int { return pick(0, 0, 1, 17) }
		k.InPixel = k.c + gap()
		k.InRow = (k.Width+2)*k.InPixel + gap()
		k.InItem = (k.Height+2)*k.InRow + gap()
		k.OutPixel = k.n + gap()
		k.OutRow = k.Width*k.OutPixel + gap()
		k.OutItem = k.Height*k.OutRow + gap()
		k.ResPixel, k.ResRow, k.ResItem = k.OutPixel, k.OutRow, k.OutItem
		last := k.items - 1
		inFloats := last*k.InItem + (k.Height+1)*k.InRow + (k.Width+1)*k.InPixel + k.c
		outFloats := last*k.OutItem + (k.Height-1)*k.OutRow + (k.Width-1)*k.OutPixel + k.n
		if k.items*k.Height*k.Width*9*k.c*k.n > most || max(inFloats, outFloats) > mostFloats {
			continue
		}
		k.In, k.Out = g.in.floats(inFloats, rng.IntN(2) == 0), g.out.floats(outFloats, rng.IntN(2) == 0)
		fill(rng, k.In, false)
		k.weights = normal(rng, 9*k.c*k.n)
		if rng.IntN(3) > 0 {
			k.bias = normal(rng, k.n)
		}
		if rng.IntN(4) == 0 {
			k.Scale, k.Shift = normal(rng, k.n), normal(rng, k.n)
		}
		switch rng.IntN(3) {
		case 0:
			k.Residual = g.res.floats(outFloats, rng.IntN(2) == 0)
			fill(rng, k.Residual, false)
		case 1: // in place
			k.Residual = k.Out
			for i := range last*k.OutItem + (k.Height-1)*k.OutRow + (k.Width-1)*k.OutPixel + 1 {
				if i%k.OutItem%k.OutRow%k.OutPixel == 0 && i%k.OutItem/k.OutRow < k.Height && i%k.OutItem%k.OutRow/k.OutPixel < k.Width {
					fill(rng, k.Out[i:i+k.n], false)
				}
			}
		}
		k.Act = Activation(rng.IntN(int(activations)))
		k.row1 = k.items * k.Height
		return k
	}
}

// packWinograd transforms weights, [3][3][c][n].
func packWinograd(s *Set, weights []float32, c, n int, bias []float32, rows, cols []int) *PackedWinograd {
	w := s.Pack(weights, 3, 3, c, n, bias).Winograd(rows, cols)
	w.Transform(Alloc(w.Floats()))
	return w
}

// checkWinograd holds a random case against the naive loop, and the assembly sets against each other. The scratch
// memory is full of what others left.
func checkWinograd(t *testing.T, rng *rand.Rand, g *convGuards, scratch *[]float32) {
	k := randomWinograd(rng, g)
	start, want := clone(k.Out), clone(k.Out)
	act := k.Act
	k.Act = None
	k.naive(mulAdd(&generic), want)
	k.Act = act
	var assembled []float32
	for _, s := range Sets() {
		copy(k.Out, start)
		p := packWinograd(s, k.weights, k.c, k.n, k.bias, k.rows, k.cols).Plan(k.Height, k.Width, 1+rng.IntN(3))
		p.past = s.winograd.inputPast[3] != nil && rng.IntN(2) == 0
		if p.Scratch() > len(*scratch) {
			*scratch = Alloc(2 * p.Scratch())
			fill(rng, *scratch, true)
		}
		blocks := p.Blocks(k.items)
		at := rng.IntN(blocks + 1)
		s.Winograd(&k.Conv, p, k.items, at, blocks, *scratch)
		s.Winograd(&k.Conv, p, k.items, 0, at, *scratch)
		for i := range want {
			exact, tolerance := scalar[k.Act](want[i]), 5e-3*math.Sqrt(float64(k.c))
			if math.Float32bits(want[i]) == math.Float32bits(canary) { // not an output
				exact, tolerance = canary, 0
			}
			same := math.Float32bits(exact) == math.Float32bits(k.Out[i])
			if !same && !(math.Abs(float64(exact-k.Out[i])) <= tolerance) {
				require.Failf(t, "different", "%s at %d: want %v, got %v: %v", s.Name, i, exact, k.Out[i], k)
			}
		}
		if s == &generic {
			continue
		}
		if assembled != nil {
			requireSame(t, assembled, k.Out, s.Name)
		}
		assembled = clone(k.Out)
	}
}

// Winograd gives the outputs of the naive loop up to its error, writes nothing else, and gives the same bits however
// the blocks are split and whichever assembly set computes them.
func TestWinogradAgainstLoop(t *testing.T) {
	rng, g := newRand(4), newConvGuards(t)
	var scratch []float32
	for range *rounds {
		checkWinograd(t, rng, g, &scratch)
	}
}

func FuzzWinogradAgainstLoop(f *testing.F) {
	f.Add(uint64(0))
	f.Fuzz(func(t *testing.T, seed uint64) {
		var scratch []float32
		checkWinograd(t, newRand(seed), newConvGuards(t), &scratch)
	})
}

// The relative error of a layer follows the law in the comment of winogradPairs.
func TestWinogradErrorFollowsLaw(t *testing.T) {
	const c, n = 256, 8
	rng := newRand(5)
	weights := normal(rng, 9*c*n)
	for _, sizes := range [][2]int{{3, 3}, {4, 4}, {5, 5}, {7, 4}, {7, 7}} {
		h, w := 2*sizes[0], 2*sizes[1]
		in := normal(rng, (h+2)*(w+2)*c)
		for i, v := range in {
			in[i] = max(v, 0) // what a layer with a ReLU before it sees
		}
		law := 1.8e-7 * amplification(sizes[0]) * amplification(sizes[1])
		for _, s := range Sets() {
			out := make([]float32, h*w*n)
			conv := &Conv{In: in, InRow: (w + 2) * c, InPixel: c, StrideY: 1, StrideX: 1, Out: out, OutRow: w * n, OutPixel: n, Height: h, Width: w}
			p := packWinograd(s, weights, c, n, nil, sizes[:1], sizes[1:]).Plan(h, w, 1)
			s.Winograd(conv, p, 1, 0, p.Blocks(1), make([]float32, p.Scratch()))
			got := relativeError(in, weights, out, h, w, c, n)
			t.Logf("F(%d,3)×F(%d,3) %-8s measured %.2e, law %.2e", sizes[0], sizes[1], s.Name, got, law)
			require.InDelta(t, 1, got/law, 0.3)
		}
	}
}

// amplification is a of the law.
func amplification(m int) float64 {
	tr := transforms[m]
	n := m + 2
	square := func(v *big.Rat) float64 { f, _ := v.Float64(); return f * f }
	rows := make([]float64, n) // |Bᵀ[t]|²
	for i := range n {
		for t, v := range column(tr.input, n, i) {
			rows[t] += square(v)
		}
	}
	sum := 0.
	for t, g := range tr.filter() {
		for _, v := range column(tr.output, m, t) {
			sum += square(v) * (g[0]*g[0] + g[1]*g[1] + g[2]*g[2]) * rows[t]
		}
	}
	return math.Sqrt(sum / float64(3*m))
}

// relativeError is the root mean square of out's errors by that of the exact outputs.
func relativeError(in, weights, out []float32, h, w, c, n int) float64 {
	var errors, values float64
	for y := range h {
		for x := range w {
			for o := range n {
				exact := 0.
				for kh := range 3 {
					for i, v := range in[((y+kh)*(w+2)+x)*c:][:3*c] {
						exact += float64(v) * float64(weights[(kh*3*c+i)*n+o])
					}
				}
				e := float64(out[(y*w+x)*n+o]) - exact
				errors, values = errors+e*e, values+exact*exact
			}
		}
	}
	return math.Sqrt(errors / values)
}

func TestWinogradPanicsOnMisuse(t *testing.T) {
	s := Best()
	p := packWinograd(s, make([]float32, 9*4), 2, 2, nil, []int{5}, []int{4}).Plan(10, 8, 1)
	conv := func() *Conv {
		return &Conv{In: make([]float32, 12*10*2), InRow: 20, InPixel: 2, StrideY: 1, StrideX: 1,
			Out: make([]float32, 10*8*2), OutRow: 16, OutPixel: 2, Height: 10, Width: 8}
	}
	scratch := make([]float32, p.Scratch())
	require.NotPanics(t, func() { s.Winograd(conv(), p, 1, 0, 1, scratch) })
	require.PanicsWithValue(t, shortScratch, func() { s.Winograd(conv(), p, 1, 0, 1, scratch[1:]) })
	require.PanicsWithValue(t, badBlocks, func() { s.Winograd(conv(), p, 1, 0, 2, scratch) })
	for want, spoil := range map[string]func(c *Conv){
		shortIn:   func(c *Conv) { c.In = c.In[1:] },
		shortOut:  func(c *Conv) { c.Out = c.Out[1:] },
		otherPlan: func(c *Conv) { c.Height = 5 },
	} {
		c := conv()
		spoil(c)
		require.PanicsWithValue(t, want, func() { s.Winograd(c, p, 1, 0, 1, scratch) })
	}
	untransformed := s.Pack(make([]float32, 36), 3, 3, 2, 2, nil).Winograd([]int{5}, []int{4}).Plan(10, 8, 1)
	require.PanicsWithValue(t, notMade, func() { s.Winograd(conv(), untransformed, 1, 0, 1, scratch) })
	require.PanicsWithValue(t, badTile, func() { packWinograd(s, make([]float32, 36), 2, 2, nil, []int{6}, []int{4}) })
}

func TestWinogradDoesNotAllocate(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		p := packWinograd(s, make([]float32, 9*4), 2, 2, nil, []int{5}, []int{4}).Plan(9, 8, 1)
		c := &Conv{In: make([]float32, 11*10*2), InRow: 20, InPixel: 2, StrideY: 1, StrideX: 1,
			Out: make([]float32, 9*8*2), OutRow: 16, OutPixel: 2, Height: 9, Width: 8, Act: Swish}
		scratch := make([]float32, p.Scratch())
		require.Zero(t, testing.AllocsPerRun(10, func() { s.Winograd(c, p, 1, 0, 1, scratch) }))
	})
}

var winogradShapes = []struct {
	convShape
	rows, cols []int
}{
	{convShape{3, 1, 160, 160, 1, 24, 24}, []int{5}, []int{5}},
	{convShape{3, 1, 80, 80, 1, 256, 256}, []int{5}, []int{5}},
	{convShape{3, 1, 80, 80, 1, 256, 256}, []int{4}, []int{4}},
	{convShape{3, 1, 40, 40, 1, 256, 256}, []int{5}, []int{5}},
	{convShape{3, 1, 40, 40, 1, 256, 256}, []int{4}, []int{4}},
	{convShape{3, 1, 20, 20, 1, 256, 256}, []int{5}, []int{5}},
	{convShape{3, 1, 7, 7, 500, 256, 256}, []int{7}, []int{4, 3}},
	{convShape{3, 1, 7, 7, 500, 256, 256}, []int{4, 3}, []int{7}},
	{convShape{3, 1, 7, 7, 500, 256, 256}, []int{7}, []int{4}},
	{convShape{3, 1, 7, 7, 500, 256, 256}, []int{4}, []int{7}},
	{convShape{3, 1, 7, 7, 500, 256, 256}, []int{4, 3}, []int{4, 3}},
	{convShape{3, 1, 7, 7, 500, 256, 256}, []int{7}, []int{7}},
	{convShape{3, 1, 14, 14, 100, 256, 256}, []int{5, 4}, []int{5, 4}},
	{convShape{3, 1, 14, 14, 100, 256, 256}, []int{5}, []int{5}},
	{convShape{3, 1, 14, 14, 100, 256, 256}, []int{7}, []int{5}},
	{convShape{3, 1, 80, 80, 1, 96, 96}, []int{5}, []int{5}},
	{convShape{3, 1, 80, 80, 1, 64, 64}, []int{5}, []int{5}},
	{convShape{3, 1, 80, 80, 1, 64, 64}, []int{4}, []int{4}},
	{convShape{3, 1, 7, 7, 1000, 64, 64}, []int{7}, []int{4, 3}},
	{convShape{3, 1, 7, 7, 1000, 64, 64}, []int{4}, []int{7}},
	{convShape{3, 1, 7, 7, 1000, 64, 64}, []int{4, 3}, []int{7}},
	{convShape{3, 1, 14, 14, 100, 64, 64}, []int{5}, []int{5}},
	{convShape{3, 1, 80, 80, 1, 48, 48}, []int{5}, []int{5}},
	{convShape{3, 1, 160, 160, 1, 24, 24}, []int{4}, []int{4}},
}

func BenchmarkWinograd(b *testing.B) {
	for _, shape := range winogradShapes {
		for _, s := range Sets() {
			b.Run(fmt.Sprintf("%v/%v×%v/%s", shape.convShape, shape.rows, shape.cols, s.Name), func(b *testing.B) {
				c := shape.conv(s)
				rng := newRand(8)
				p := packWinograd(s, normal(rng, 9*shape.c*shape.n), shape.c, shape.n, nil, shape.rows, shape.cols).Plan(shape.h, shape.w, 1)
				scratch := Alloc(p.Scratch())
				blocks := p.Blocks(shape.items)
				measure(b, s, shape.flops(), func() { s.Winograd(c, p, shape.items, 0, blocks, scratch) })
			})
		}
	}
}
