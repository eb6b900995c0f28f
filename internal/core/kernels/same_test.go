package kernels

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// sums are of what avx2 and avx512 compute in TestSameBitsOnEveryMachine: tests on one machine cannot compare its sets
// with those of another.
var sums = map[string]uint64{
	"relu":          0x85ed42de9cd196c7,
	"swish":         0x724a6fe9f50d44c5,
	"hard_swish":    0x4a8742efe5b639e6,
	"sigmoid":       0x443ac714a0ca74dd,
	"hard_sigmoid":  0x6e3112121f53bd6c,
	"direct":        0xd23ad71b2b35277,
	"winograd 3":    0xaf17f986ad49e136,
	"gradient 3":    0x241aa2de5997eb2d,
	"winograd 4":    0x6682843f9f36b143,
	"gradient 4":    0x2848a52cb064f3f8,
	"winograd 5":    0xdd88c0cbd3e89b3b,
	"gradient 5":    0x4897b26f72b4abbd,
	"winograd 7":    0x68324fb50499adba,
	"gradient 7":    0xdfed98ce498856a,
	"depthwise 1":   0xf2e0b54e1a04f174,
	"depthwise 2":   0xd32aca8800fbc64f,
	"blend and max": 0xd8c40ebb1951c8c0,
	"slopes":        0xb5cdc6c1f611eff8,
	"affine":        0x46d704727de17689,
	"norms":         0x56b72d0e4d871caf,
	"pool":          0x67054a2e36b09789,
}

// uniform is between -2 and 2: unlike that of normal numbers, its arithmetic is the same on all machines.
func uniform(rng *rand.Rand, n int) []float32 {
	x := Alloc(n)
	for i := range x {
		x[i] = float32(rng.IntN(1<<24)-1<<23) / (1 << 22)
	}
	return x
}

func sumOf(slices ...[]float32) uint64 {
	h := fnv.New64a()
	for _, x := range slices {
		for _, v := range x {
			b := math.Float32bits(v)
			h.Write([]byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)})
		}
	}
	return h.Sum64()
}

func TestSameBitsOnEveryMachine(t *testing.T) {
	for _, s := range assembly() {
		rng := rand.New(rand.NewPCG(7, 7))
		random := func(n int) []float32 { return uniform(rng, n) }
		check := func(name string, slices ...[]float32) {
			require.Equal(t, sums[name], sumOf(slices...), "%s: %q: %#x", s.Name, name, sumOf(slices...))
		}
		for act := Relu; act < activations; act++ {
			x := random(4099)
			for i := range x {
				x[i] *= 60
			}
			s.Activate(x, act)
			check(act.String(), x)
		}
		const h, w, c, n = 9, 13, 37, 45
		window := Conv{
			In: random((h + 2) * (w + 2) * c), InRow: (w + 2) * c, InPixel: c, StrideY: 1, StrideX: 1, Height: h, Width: w,
			Out: random(h * w * n), OutRow: w * n, OutPixel: n, Scale: random(n), Shift: random(n),
			Residual: random(h * w * n), ResRow: w * n, ResPixel: n, Act: Swish,
		}
		weights, bias := random(9*c*n), random(n)
		window.W = s.Pack(weights, 3, 3, c, n, bias)
		s.Conv(&window, 0, h, 0, window.W.Panels())
		check("direct", window.Out)
		for _, tile := range []int{3, 4, 5, 7} {
			p := packWinograd(s, weights, c, n, bias, []int{tile}, []int{tile}).Plan(h, w, 1)
			s.Winograd(&window, p, 1, 0, p.Blocks(1), Alloc(p.Scratch()))
			check(fmt.Sprint("winograd ", tile), window.Out)
			g := s.WinogradGrad(c, n, 1, h, w, tile, true)
			block, products, worker := g.Floats()
			room, total, scratch, grad := Alloc(block), Alloc(products), Alloc(worker), Alloc(9*c*n)
			from := GradTiles{In: window.In, InRow: window.InRow, Grad: window.Residual, GradRow: w * n}
			for k := range g.Kinds() {
				for i := range g.Tiles(k, 1) {
					g.Transform(&from, k, i, i, room, scratch)
				}
				for i := range g.Products(k) {
					g.Sum(i, g.Tiles(k, 1), 0, s.OuterGroups(c), room, total, false)
				}
				g.Finish(k, 0, c*n, total, grad)
			}
			check(fmt.Sprint("gradient ", tile), grad)
		}
		for stride := 1; stride <= 2; stride++ {
			d := Depthwise{Kernel: random(9 * c), Shift: random(c), Size: 3, C: c, In: window.In, InRow: window.InRow, Stride: stride,
				Height: h / stride, Width: w / stride, Out: Alloc(h * w * c), OutRow: w * c, Act: HardSwish, Sums: Alloc(h * c)}
			s.Depthwise(&d, 0, d.Height)
			check(fmt.Sprint("depthwise ", stride), d.Out, d.Sums)
		}
		x, y, z := random(h*w*c), random(h*w*c), random(h*w*c)
		a, b, d, e := random(c), random(c), random(c), random(c)
		out := clone(z)
		s.Blend4(out, x, y, z, x, a[0], a[1], a[2], a[3])
		s.Max(out, y)
		check("blend and max", out)
		s.SlopeTimes(out, x, y, Swish, true)
		s.SlopeTimes(out, out, y, Relu, true)
		check("slopes", out)
		s.Affine(out, x, a, b, Relu, true)
		s.AffineAdd(out, out, y, b, d, None, true)
		check("affine", out)
		sum, product := clone(d), clone(e)
		s.SumSquares(sum, product, x)
		s.NormSums(sum, product, y, x, a, b, &BehindRelu{d, e})
		s.NormGrad(out, y, x, a, b, d, &BehindRelu{d, e}, true, true)
		check("norms", sum, product, out)
		pooled, gradient := clone(x[:c]), Alloc(h*w*c)
		for _, at := range []int{c, w * c, w*c + c} {
			s.Max(pooled, x[at:at+c])
		}
		s.PoolGrad(gradient, x, w*c, w*c, 2, 2, pooled, a)
		check("pool", gradient)
	}
}
