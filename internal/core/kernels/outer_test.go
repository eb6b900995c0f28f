package kernels

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Sums of outer products against the loop in float64, with slices at the edges of
// memory that may not be touched; avx2 and avx512 give the same bits.
func TestOuterAgainstLoop(t *testing.T) {
	rng := newRand(31)
	const most = 6000
	make := guardedTraining(t, rng, 3, most)
	for range (*rounds + 3) / 4 {
		o := &Outer{C: 1 + rng.IntN(40), N: 1 + rng.IntN(70), Rows: 1 + rng.IntN(3), Pixels: 1 + rng.IntN(8), Add: rng.IntN(2) == 0}
		o.InPixel, o.GradPixel = o.C+rng.IntN(5), o.N+rng.IntN(5)
		if rng.IntN(3) == 0 {
			o.InPixel = 1 + rng.IntN(o.C) // windows that overlap
		}
		o.InRow, o.GradRow = o.Pixels*o.InPixel+rng.IntN(5), o.Pixels*o.GradPixel+rng.IntN(5)
		o.In = make(0, (o.Rows-1)*o.InRow+(o.Pixels-1)*o.InPixel+o.C)
		o.Grad = make(1, (o.Rows-1)*o.GradRow+(o.Pixels-1)*o.GradPixel+o.N)
		o.Out = make(2, o.C*o.N)
		if rng.IntN(2) == 0 {
			o.NextIn, o.NextGrad = o.In[rng.IntN(len(o.In)):], o.Grad[rng.IntN(len(o.Grad)):]
		}
		start := clone(o.Out)
		var fused []float32
		for _, s := range Sets() {
			copy(o.Out, start)
			for g := range s.OuterGroups(o.C) {
				s.Outer(o, g, g+1)
			}
			for i, got := range o.Out {
				want, size := 0., 0.
				if o.Add {
					want = float64(start[i])
				}
				for y := range o.Rows {
					for x := range o.Pixels {
						p := float64(o.In[y*o.InRow+x*o.InPixel+i/o.N]) * float64(o.Grad[y*o.GradRow+x*o.GradPixel+i%o.N])
						want, size = want+p, size+math.Abs(p)
					}
				}
				require.InDelta(t, want, got, 1e-6*(1+size), "%s: %d", s.Name, i)
			}
			if s == &generic {
				continue
			}
			if fused == nil {
				fused = clone(o.Out)
			}
			require.Equal(t, fused, o.Out, s.Name)
		}
	}
}

// The gradient of a kernel by Winograd's method against its definition in float64,
// for maps that tiles cover once, and twice in part.
func TestWinogradGradAgainstDefinition(t *testing.T) {
	rng := newRand(32)
	for _, size := range [][3]int{{2, 10, 15}, {3, 7, 7}, {1, 14, 13}, {2, 6, 9}, {2, 3, 4}} {
		items, h, w := size[0], size[1], size[2]
		c, n := 1+rng.IntN(40), 1+rng.IntN(40)
		random := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			return x
		}
		in, dy, start := random(items*(h+2)*(w+2)*c), random(items*h*w*n), random(9*c*n)
		want, sizes := make([]float64, 9*c*n), make([]float64, 9*c*n)
		for i := range want {
			want[i] = float64(start[i])
			tap, ch, out := i/(c*n), i/n%c, i%n
			for item := range items {
				for y := range h {
					for x := range w {
						p := float64(in[((item*(h+2)+y+tap/3)*(w+2)+x+tap%3)*c+ch]) * float64(dy[((item*h+y)*w+x)*n+out])
						want[i], sizes[i] = want[i]+p, sizes[i]+p*p
					}
				}
			}
		}
		var fused []float32
		for _, s := range Sets() {
			grad := clone(start)
			g := s.WinogradGrad(c, n, items, h, w, 5, true)
			blockFloats, sumFloats, worker := g.Floats()
			block, sums, scratch := make([]float32, blockFloats), make([]float32, sumFloats), make([]float32, worker)
			tiles := GradTiles{In: in, InItem: (h + 2) * (w + 2) * c, InRow: (w + 2) * c, Grad: dy, GradItem: h * w * n, GradRow: w * n}
			for kind := range g.Kinds() {
				const each = 5 // tiles of a block
				for first := 0; first < g.Tiles(kind, items); first += each {
					last := min(first+each, g.Tiles(kind, items))
					for k := first; k < last; k++ {
						g.Transform(&tiles, kind, k, k-first, block, scratch)
					}
					for product := range g.Products(kind) {
						g.Sum(product, last-first, 0, s.OuterGroups(c), block, sums, first > 0)
					}
				}
				g.Finish(kind, 0, c*n, sums, grad)
			}
			for i := range grad {
				require.InDelta(t, want[i], grad[i], 2e-5*math.Sqrt(1+sizes[i]), "%s: %v, value %d", s.Name, size, i)
			}
			if s == &generic {
				continue
			}
			if fused == nil {
				fused = clone(grad)
			}
			require.Equal(t, fused, grad, s.Name)
		}
	}
}

// The gradient of a window's largest values goes to the first that is one, also where
// several are.
func TestPoolGradAgainstLoop(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(33)
		for range *rounds {
			c, rows, columns := 1+rng.IntN(40), 1+rng.IntN(3), 1+rng.IntN(3)
			row := columns*c + rng.IntN(9)
			x, dx, y, dy := make([]float32, rows*row), make([]float32, rows*row), make([]float32, c), make([]float32, c)
			for i := range x {
				x[i], dx[i] = float32(rng.IntN(4)), float32(rng.IntN(4))
			}
			for i := range y {
				y[i], dy[i] = float32(math.Inf(-1)), float32(rng.NormFloat64())
				for k := range rows * columns {
					y[i] = max(y[i], x[k/columns*row+k%columns*c+i])
				}
			}
			want := clone(dx)
			for i := range y {
				for k := range rows * columns {
					if at := k/columns*row + k%columns*c + i; x[at] == y[i] {
						want[at] += dy[i]
						break
					}
				}
			}
			s.PoolGrad(dx, x, row, row, rows, columns, y, dy)
			require.Equal(t, want, dx)
		}
	})
}
