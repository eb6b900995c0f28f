package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// splitSetOf returns the set of this machine that computes with split numbers, or skips the test.
func splitSetOf(t testing.TB) *Set {
	for _, s := range Sets() {
		if s.HasSplit() {
			return s
		}
	}
	t.Skip("this machine does not multiply tiles of bfloat16")
	return nil
}

// bfloat16 rounds to nearest even, as VCVTNE2PS2BF16 does; subnormal numbers become zero.
func bfloat16(x float32) float32 {
	b := math.Float32bits(x)
	if b>>23&0xff == 0 {
		return math.Float32frombits(b & 0x80000000)
	}
	return math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
}

// split returns the parts of a number.
func split(x float32) (parts [2]float32) {
	for i := range parts {
		parts[i] = bfloat16(x)
		x -= parts[i]
	}
	return parts
}

// products are the parts of input and weight that are multiplied, in order.
var products = [][2]int{{1, 0}, {0, 0}, {0, 1}}

// emulate is the arithmetic of a convolution with split numbers: the products of a step of 32 are added up in two
// sums, of the even and of the odd ones, with fused multiply-adds, and those go to the sum of the output (TDPBF16PS in
// Intel's manual).
func (k *convCase) emulate(out []float32) {
	pitch := k.c
	if k.c > splitK {
		pitch = roundUp(k.c, splitK)
	}
	steps := (k.kw*pitch + splitK - 1) / splitK
	for g := k.row0; g < k.row1; g++ {
		i, y := g/k.Height, g%k.Height
		for x := range k.Width {
			for n := range k.n {
				acc := float32(0)
				for kh := range k.kh {
					for step := range steps {
						var in, weight [splitK][2]float32
						for j := range splitK {
							kw, c := (step*splitK+j)/pitch, (step*splitK+j)%pitch
							if kw >= k.kw || c >= k.c {
								continue
							}
							in[j] = split(k.In[i*k.InItem+(y*k.StrideY+kh)*k.InRow+(x*k.StrideX+kw)*k.InPixel+c])
							weight[j] = split(k.weights[((kh*k.kw+kw)*k.c+c)*k.n+n])
						}
						for _, p := range products {
							var sums [2]float32
							for j := range splitK {
								sums[j%2] = fma32(in[j][p[0]], weight[j][p[1]], sums[j%2])
							}
							acc += sums[0] + sums[1]
						}
					}
				}
				scale, shift := float32(1), float32(0)
				if k.bias != nil {
					shift = k.bias[n]
				}
				if k.Scale != nil {
					scale, shift = k.Scale[n], float32(k.Scale[n]*shift)+k.Shift[n]
				}
				acc = fma32(acc, scale, shift)
				if k.Residual != nil {
					acc += k.Residual[i*k.ResItem+y*k.ResRow+x*k.ResPixel+n]
				}
				out[i*k.OutItem+y*k.OutRow+x*k.OutPixel+n] = scalar[k.Act](acc)
			}
		}
	}
}

// checkSplit holds a random case against the emulation.
func checkSplit(t *testing.T, s *Set, rng *rand.Rand, g *convGuards) {
	k := randomConv(rng, g)
	for k.special {
		k = randomConv(rng, g)
	}
	want := clone(k.Out)
	k.emulate(want)
	w := s.PackSplit(k.weights, k.kh, k.kw, k.c, k.n, k.bias)
	scratch := scratchOf(w.SplitScratch(&k.Conv))
	panel, row := rng.IntN(w.Panels()+1), k.row0+rng.IntN(k.row1-k.row0+1)
	for _, rows := range [2][2]int{{k.row0, row}, {row, k.row1}} {
		s.Split(&k.Conv, w, rows[0], rows[1], 0, panel, scratch)
		s.Split(&k.Conv, w, rows[0], rows[1], panel, w.Panels(), scratch)
	}
	requireSame(t, want, k.Out, k)
}

// scratchOf returns memory full of NaNs, which must not reach any result.
func scratchOf(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = canary
	}
	return x
}

func TestSplitAgainstEmulation(t *testing.T) {
	s, rng, g := splitSetOf(t), newRand(21), newConvGuards(t)
	for range *rounds {
		checkSplit(t, s, rng, g)
	}
}

func FuzzSplitAgainstEmulation(f *testing.F) {
	f.Add(uint64(0))
	f.Fuzz(func(t *testing.T, seed uint64) {
		checkSplit(t, splitSetOf(t), newRand(seed), newConvGuards(t))
	})
}

// A long sum goes through the cache in blocks, with the same bits.
func TestSplitInBlocksOfChannels(t *testing.T) {
	s, rng := splitSetOf(t), newRand(22)
	for _, width := range []int{1, 16, 17, 49, 65} {
		k := &convCase{kh: 1, kw: 1, c: 5003, n: 40, items: 1, row1: 1}
		k.Conv = Conv{In: normal(rng, width*k.c), InPixel: k.c, Out: make([]float32, width*k.n), OutPixel: k.n, Height: 1, Width: width, StrideX: 1, StrideY: 1, Act: Swish}
		k.weights, k.bias = normal(rng, k.c*k.n), normal(rng, k.n)
		k.Act = HardSwish
		want := make([]float32, len(k.Out))
		k.emulate(want)
		w := s.PackSplit(k.weights, 1, 1, k.c, k.n, k.bias)
		scratch := scratchOf(w.SplitScratch(&k.Conv))
		s.Split(&k.Conv, w, 0, 1, 0, 1, scratch)
		s.Split(&k.Conv, w, 0, 1, 1, 2, scratch)
		requireSame(t, want, k.Out, width)
	}
}

// A tile of one pixel of many items gives the bits of a tile of many pixels.
func TestSplitItemsAgainstSplit(t *testing.T) {
	s, rng := splitSetOf(t), newRand(23)
	for range *rounds / 20 {
		k := &convCase{kh: 1 + rng.IntN(4), kw: 1 + rng.IntN(4), c: []int{32, 33, 64, 100, 256}[rng.IntN(5)], n: 1 + rng.IntN(80), items: ItemsEach + rng.IntN(3)}
		height, width := 1+rng.IntN(15), 1+rng.IntN(15)
		top, left := rng.IntN(k.kh), rng.IntN(k.kw)
		bottom, right := rng.IntN(k.kh), rng.IntN(k.kw)
		rows, columns := top+height+bottom, left+width+right
		if rows < k.kh || columns < k.kw {
			continue
		}
		k.Conv = Conv{
			In: make([]float32, k.items*rows*columns*k.c), InItem: rows * columns * k.c, InRow: columns * k.c, InPixel: k.c, StrideY: 1, StrideX: 1,
			Height: rows - k.kh + 1, Width: columns - k.kw + 1, OutPixel: k.n, Act: []Activation{None, Relu, Swish}[rng.IntN(3)],
		}
		for i := range k.items {
			for y := range height {
				for x := range width {
					fill(rng, k.In[i*k.InItem+(top+y)*k.InRow+(left+x)*k.c:][:k.c], false)
				}
			}
		}
		k.OutRow = k.Width * k.n
		k.OutItem = k.Height * k.OutRow
		k.Out = make([]float32, k.items*k.OutItem)
		if rng.IntN(2) == 0 {
			k.Residual, k.ResItem, k.ResRow, k.ResPixel = normal(rng, len(k.Out)), k.OutItem, k.OutRow, k.OutPixel
		}
		if rng.IntN(2) == 0 {
			k.Scale, k.Shift = normal(rng, k.n), normal(rng, k.n)
		}
		w := s.PackSplit(normal(rng, k.kh*k.kw*k.c*k.n), k.kh, k.kw, k.c, k.n, normal(rng, k.n))
		first := k.items - ItemsEach
		s.Split(&k.Conv, w, first*k.Height, k.items*k.Height, 0, w.Panels(), scratchOf(w.SplitScratch(&k.Conv)))
		want := clone(k.Out)
		clear(k.Out)
		plan := w.Items(height, width, top, left, k.Height, k.Width)
		panel := rng.IntN(w.Panels() + 1)
		scratch := scratchOf(plan.Scratch())
		for band := range plan.Bands() {
			s.SplitItems(&k.Conv, plan, first, band, 0, panel, scratch)
			s.SplitItems(&k.Conv, plan, first, band, panel, w.Panels(), scratch)
		}
		requireSame(t, want, k.Out, k)
	}
}

// The law of the error: what two parts leave of a number is 2⁻¹⁶ of it at most, 2.6e-6 on average, and so is the product
// that is left out.
func TestSplitError(t *testing.T) {
	s, rng := splitSetOf(t), newRand(24)
	for _, c := range []int{3, 64, 256} {
		k := &convCase{kh: 3, kw: 3, c: c, n: 64, items: 1, row1: 1}
		k.Conv = Conv{In: normal(rng, 3*34*c), InRow: 34 * c, InPixel: c, StrideY: 1, StrideX: 1, Out: make([]float32, 32*64), OutPixel: 64, Height: 1, Width: 32}
		k.weights = normal(rng, 9*c*64)
		w := s.PackSplit(k.weights, 3, 3, c, 64, nil)
		s.Split(&k.Conv, w, 0, 1, 0, w.Panels(), scratchOf(w.SplitScratch(&k.Conv)))
		errors, alone, total := 0.0, 0.0, 0.0 // alone: with bfloat16 in place of split numbers
		for x := range 32 {
			for n := range 64 {
				want, high := 0.0, 0.0
				for i := range 9 {
					for j := range c {
						in, weight := k.In[i/3*k.InRow+(x+i%3)*c+j], k.weights[(i*c+j)*64+n]
						want += float64(in) * float64(weight)
						high += float64(bfloat16(in)) * float64(bfloat16(weight))
					}
				}
				alone += (high - want) * (high - want)
				d := float64(k.Out[x*64+n]) - want
				errors, total = errors+d*d, total+want*want
			}
		}
		got := math.Sqrt(errors / total)
		t.Logf("%d channels: %.2g, bfloat16 alone %.2g", c, got, math.Sqrt(alone/total))
		require.Less(t, got, 5e-6)
		require.Less(t, math.Sqrt(alone/total), 3e-3)
		require.Less(t, 400*got, math.Sqrt(alone/total))
	}
}

func TestSplitDoesNotAllocate(t *testing.T) {
	s := splitSetOf(t)
	c := &Conv{In: make([]float32, 6*6*40), InRow: 240, InPixel: 40, StrideY: 1, StrideX: 1,
		Out: make([]float32, 4*4*20), OutRow: 80, OutPixel: 20, Height: 4, Width: 4, Act: Swish}
	w := s.PackSplit(make([]float32, 9*40*20), 3, 3, 40, 20, nil)
	scratch := scratchOf(w.SplitScratch(c))
	require.Zero(t, testing.AllocsPerRun(10, func() { s.Split(c, w, 0, 4, 0, w.Panels(), scratch) }))
}
